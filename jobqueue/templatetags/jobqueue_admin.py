"""What the templates of Django's own admin pages ask for: the overview and its one line, for who may see jobs."""

from __future__ import annotations

from typing import Any

from django.template import Context, Library

register = Library()


@register.simple_tag(takes_context=True)
def jobqueue_overview(context: Context) -> dict[str, Any] | None:
    """Return the overview of all jobs; None for a user who may not see them."""
    # The admin is not imported by whoever does without it.
    from jobqueue.admin.overview import overview

    request = context.get("request")
    return overview(request) if request is not None and request.user.has_perm("jobqueue.view_job") else None


@register.inclusion_tag("jobqueue/admin/health.html", takes_context=True)
def jobqueue_health(context: Context) -> dict[str, Any]:
    """Show in one line how all jobs are; nothing to a user who may not see them."""
    # The admin is not imported by whoever does without it.
    from jobqueue.admin.health import health

    request = context.get("request")
    return {"health": health(request) if request is not None and request.user.has_perm("jobqueue.view_job") else None}
