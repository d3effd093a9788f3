"""Pages that are no table of Django's, in the frame that its own pages have."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse


def page(
    admin: ModelAdmin[Any], request: HttpRequest, name: str, title: str, context: dict[str, Any]
) -> TemplateResponse:
    """Return the page of that template, ``jobqueue/admin/<name>.html``."""
    request.current_app = admin.admin_site.name
    frame = {**admin.admin_site.each_context(request), "title": title, "opts": admin.opts, "media": admin.media}
    return TemplateResponse(request, f"jobqueue/admin/{name}.html", {**frame, **context})
