"""The way from a button to its effect: choose jobs, confirm on a page that names them, read what was done and what not.

The confirmation pins the ids: what is confirmed is what was shown, even if the filter would find other jobs by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..database import alias
from ..models import Job
from .inert import spelled
from .verbs import CANCEL, MOST_AT_ONCE, RETRY, VERBS, Report, Verb, done_text, press

_LISTED = 20
_REASONS = 5


class PressingAdmin(admin.ModelAdmin):
    """Adds Retry and Cancel, on the list and on the page of a job, for users who have the permission."""

    actions = ("retry_selected", "cancel_selected")

    def get_urls(self) -> list[Any]:
        """Return the addresses of the two verbs, and the rest."""
        own: list[URLPattern] = [
            path(
                f"{verb.name}/",
                self.admin_site.admin_view(partial(self.press_view, verb=verb)),
                name=f"jobqueue_job_{verb.name}",
            )
            for verb in VERBS.values()
        ]
        return [*own, *super().get_urls()]

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may retry jobs."""
        return self._may(request, RETRY)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may cancel jobs."""
        return self._may(request, CANCEL)

    @admin.action(permissions=["retry"], description=gettext_lazy("Retry selected jobs"))
    def retry_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """Ask whether to retry the chosen jobs."""
        return self._confirm(request, RETRY, self._chosen(request, queryset, RETRY), back="list")

    @admin.action(permissions=["cancel"], description=gettext_lazy("Cancel selected jobs"))
    def cancel_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """Ask whether to cancel the chosen jobs."""
        return self._confirm(request, CANCEL, self._chosen(request, queryset, CANCEL), back="list")

    def presses(self, request: HttpRequest, job: Job) -> list[dict[str, Any]]:
        """Return the buttons for the page of a job: those that the user may press and that can be done to it now."""
        return [
            {"verb": verb, "url": self._url(request, f"jobqueue_job_{verb.name}")}
            for verb in VERBS.values()
            if verb.applies_to(job) and self._may(request, verb)
        ]

    def press_view(self, request: HttpRequest, *, verb: Verb) -> HttpResponse:
        """Ask for a confirmation, or do what was confirmed."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not (self._may(request, verb) and self.has_view_permission(request)):
            raise PermissionDenied
        back = "list" if request.POST.get("back") == "list" else "job"
        jobs = self._named(request.POST.get("ids", ""))
        if "confirmed" not in request.POST:
            return self._confirm(request, verb, jobs, back=back)
        self._tell(request, verb, press(verb, jobs, request.user))
        return HttpResponseRedirect(self._back(request, jobs, back))

    def _may(self, request: HttpRequest, verb: Verb) -> bool:
        user: Any = request.user
        return bool(user.has_perm(f"jobqueue.{verb.name}_job"))

    def _chosen(self, request: HttpRequest, queryset: Any, verb: Verb) -> list[Job]:
        """Return the ticked jobs; when all that match are meant, those of them it can be done to."""
        if request.POST.get("select_across") == "1":
            return list(queryset.filter(status__in=verb.statuses)[:MOST_AT_ONCE])
        # Not through the queryset: a job that has left its filter meanwhile must be reported, not forgotten.
        return self._named(",".join(request.POST.getlist(ACTION_CHECKBOX_NAME)))

    def _named(self, ids: str) -> list[Job]:
        """Return the jobs with these ids, in that order; raises BadRequest for what is no list of ids."""
        try:
            wanted = [UUID(part) for part in ids.split(",") if part]
        except ValueError:
            raise BadRequest("Not a list of job ids.") from None
        if len(wanted) > MOST_AT_ONCE:
            raise BadRequest("Too many jobs at once.")
        found = Job.objects.using(alias()).defer("arguments", "result").in_bulk(wanted)
        # A job that is gone is passed on by its id, so that the verb itself says so.
        return [found.get(pk) or Job(pk=pk) for pk in wanted]

    def _confirm(self, request: HttpRequest, verb: Verb, jobs: Sequence[Job], *, back: str) -> HttpResponse:
        fit = [job for job in jobs if verb.applies_to(job)]
        context = {
            **self.admin_site.each_context(request),
            "title": capfirst(str(verb.label)),
            "opts": self.opts,
            "media": self.media,
            "verb": verb,
            "ids": ",".join(str(job.pk) for job in jobs),
            "count": len(fit),
            "passed_over": len(jobs) - len(fit),
            "listed": [(job, spelled(job.task_path)) for job in fit[:_LISTED]],
            "unlisted": len(fit) - len(fit[:_LISTED]),
            "is_limited": len(jobs) == MOST_AT_ONCE,
            "action_url": self._url(request, f"jobqueue_job_{verb.name}"),
            "back": back,
            "back_url": self._back(request, jobs, back),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "jobqueue/admin/confirm.html", context)

    def _tell(self, request: HttpRequest, verb: Verb, report: Report) -> None:
        if report.done:
            self.message_user(request, done_text(verb, report.done), messages.SUCCESS)
        if report.skipped:
            reasons = " ".join(report.skipped[:_REASONS])
            more = len(report.skipped) - _REASONS
            text = _("Skipped %(count)s: %(reasons)s") % {"count": len(report.skipped), "reasons": spelled(reasons)}
            self.message_user(
                request, text + (_(" … and %(more)s more.") % {"more": more} if more > 0 else ""), messages.WARNING
            )

    def _back(self, request: HttpRequest, jobs: Sequence[Job], back: str) -> str:
        if back == "job" and len(jobs) == 1:
            return self._url(request, "jobqueue_job_change", jobs[0].pk)
        return self._url(request, "jobqueue_job_changelist")

    def _url(self, request: HttpRequest, name: str, *args: Any) -> str:
        url = reverse(f"admin:{name}", args=args, current_app=self.admin_site.name)
        return add_preserved_filters({"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}, url)
