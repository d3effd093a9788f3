"""The way from a button to its effect: choose jobs, confirm on a page that names them, read what came of it.

The confirmation pins the ids: what is confirmed is what was shown, even if the filter would find other jobs by then.
When all that match are meant, they may be a hundred thousand; how these are gone through is in `stretches`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import connections
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.timezone import get_current_timezone_name, localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..database import alias, clock
from ..models import Job, JobQuerySet
from ..moments import NoMoment, example, moment_of
from ..operations import Report, lots_of
from ..sentences import translated
from ..spelling import spelled
from . import cells, sendings, stretches
from .finding import as_uuid
from .numbers import number
from .pages import page
from .stretches import Stretch
from .verbs import (
    CANCEL,
    COPY,
    DELETE,
    MOST_AT_ONCE,
    RETRY,
    RETRY_AT,
    RUN,
    VERBS,
    Verb,
    done_text,
    followed_texts,
    press,
)
from .withheld import may_view_payloads

_LISTED = 20
_REASONS = 5
_LONGEST = 100


class PressingAdmin(admin.ModelAdmin):
    """Adds the verbs, on the list and on the page of a job, for users who have the permission."""

    actions = (
        "retry_selected",
        "retry_at_selected",
        "cancel_selected",
        "run_selected",
        "copy_selected",
        "forget_selected",
    )

    def get_urls(self) -> list[Any]:
        """Return the addresses of the verbs, and the rest."""
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
        return self._act(request, RETRY, queryset)

    @admin.action(permissions=["retry"], description=gettext_lazy("Retry selected jobs later"))
    def retry_at_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """Ask when to retry the chosen jobs."""
        return self._act(request, RETRY_AT, queryset)

    @admin.action(permissions=["cancel"], description=gettext_lazy("Cancel selected jobs"))
    def cancel_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """Ask whether to cancel the chosen jobs."""
        return self._act(request, CANCEL, queryset)

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may run jobs now."""
        return self._may(request, RUN)

    def has_copy_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may enqueue jobs anew."""
        return self._may(request, COPY)

    @admin.action(permissions=["copy"], description=gettext_lazy("Copy selected jobs"))
    def copy_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """Ask whether to enqueue the chosen jobs anew."""
        return self._act(request, COPY, queryset)

    def has_forget_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may delete jobs that have ended; what Django means by "delete" is not done here."""
        return self._may(request, DELETE)

    @admin.action(permissions=["run"], description=gettext_lazy("Run selected jobs now"))
    def run_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """Ask whether to run the chosen jobs now."""
        return self._act(request, RUN, queryset)

    @admin.action(permissions=["forget"], description=gettext_lazy("Delete selected jobs"))
    def forget_selected(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """Ask whether to delete the chosen jobs."""
        return self._act(request, DELETE, queryset)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, or do an action of it; raises BadRequest when what is ticked is no job."""
        if not all(map(as_uuid, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            raise BadRequest("Not ids of jobs.")
        return super().changelist_view(request, extra_context)

    def presses(self, request: HttpRequest, job: Job) -> list[dict[str, Any]]:
        """Return the buttons for the page of a job: those that the user may press and that can be done to it now."""
        return [
            {
                "verb": verb,
                "label": verb.label,
                "url": self._url(request, f"jobqueue_job_{verb.name}"),
                "fields": {"ids": job.pk, "back": "job"},
            }
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
        try:
            moment = _moment(request, verb)
        except NoMoment as error:
            return self._confirm(request, verb, jobs, back=back, error=str(error))
        if not jobs or self._is_first(request, verb, jobs[0].pk):
            self._tell(request, verb, press(verb.at(moment), lots_of(jobs), request.user))
        return HttpResponseRedirect(self._back(request, jobs, "list" if verb.deletes else back))

    def _is_first(self, request: HttpRequest, verb: Verb, job_id: UUID) -> bool:
        """Return whether a press is not sent again; for one that does no harm, it is not asked."""
        try:
            if verb.makes:
                sendings.refuse_second(request, job_id)
        except sendings.SentBefore as again:
            self.message_user(request, str(again), messages.WARNING)
            return False
        return True

    def _may(self, request: HttpRequest, verb: Verb) -> bool:
        user: Any = request.user
        return bool(user.has_perm(f"jobqueue.{verb.permission}"))

    def _act(self, request: HttpRequest, verb: Verb, queryset: Any) -> HttpResponse:
        if request.POST.get("select_across") == "1":
            return self._act_on_all(request, verb, verb.fitting(queryset))
        # Not through the queryset: a job that has left its filter meanwhile must be reported, not forgotten.
        ticked = self._named(",".join(request.POST.getlist(ACTION_CHECKBOX_NAME)))
        return self._confirm(request, verb, ticked, back="list")

    def _act_on_all(self, request: HttpRequest, verb: Verb, jobs: JobQuerySet) -> HttpResponse:
        """Ask, or do what was confirmed for some seconds; while something is left, ask whether to go on with it."""
        stretch, asked = Stretch.read(request.POST) or Stretch.whole(jobs), {}
        if stretch is not None and "confirmed" in request.POST:
            try:
                moment = _moment(request, verb)
            except NoMoment as error:
                return self._confirm_all(request, verb, jobs, stretch, error=str(error))
            if not self._is_first(request, verb, stretch.last):
                return HttpResponseRedirect(request.get_full_path())
            self._tell(request, verb, press(verb.at(moment), stretch.walk(jobs, stretches.SECONDS), request.user))
            if not stretch.of(jobs).exists():
                return HttpResponseRedirect(request.get_full_path())
            # The rest is for the same moment, though it was a delay that was asked for.
            asked = {"at": localtime(moment).isoformat(" ", "seconds")} if moment else {}
        return self._confirm_all(request, verb, jobs, stretch, **asked)

    def _named(self, ids: str) -> list[Job]:
        """Return the jobs with these ids, in that order; raises BadRequest for what is no list of ids."""
        wanted = _ids(ids)
        found = Job.objects.using(alias()).defer("arguments", "result").in_bulk(wanted)
        # A job that is gone is passed on by its id, so that the verb itself says so.
        return [found.get(pk) or Job(pk=pk) for pk in wanted]

    def _confirm(
        self, request: HttpRequest, verb: Verb, jobs: Sequence[Job], *, back: str, **asked: str
    ) -> HttpResponse:
        fit = [job for job in jobs if verb.applies_to(job)]
        context = {
            "count": len(fit),
            "passed_over": len(jobs) - len(fit),
            "listed": fit[:_LISTED],
            "unlisted": len(fit) - len(fit[:_LISTED]),
            "action_url": self._url(request, f"jobqueue_job_{verb.name}"),
            "fields": {"ids": ",".join(str(job.pk) for job in jobs), "back": back},
            "back_url": self._back(request, jobs, back),
            **asked,
        }
        return self._ask(request, verb, context)

    def _confirm_all(
        self, request: HttpRequest, verb: Verb, jobs: JobQuerySet, stretch: Stretch | None, **asked: str
    ) -> HttpResponse:
        count = stretch.count(jobs) if stretch else 0
        listed = list(stretch.of(jobs).order_by("pk")[:_LISTED]) if stretch else []
        context = {
            "count": count,
            "listed": listed,
            "unlisted": count - len(listed),
            "goes_on": stretch is not None and stretch.after is not None,
            "seconds": stretches.SECONDS,
            # The list itself is asked again, with its filters; it wants something to be ticked.
            "action_url": request.get_full_path(),
            "fields": {
                "action": f"{verb.name}_selected",
                "select_across": "1",
                ACTION_CHECKBOX_NAME: listed[0].pk if listed else UUID(int=0),
                **({"last": stretch.last, "after": stretch.after or ""} if stretch else {}),
            },
            "back_url": request.get_full_path(),
            **asked,
        }
        return self._ask(request, verb, context)

    def _ask(self, request: HttpRequest, verb: Verb, context: dict[str, Any]) -> HttpResponse:
        listed = [(job, spelled(job.task_path)) for job in context["listed"]]
        given = {
            "at": spelled(request.POST.get("at", "")[:_LONGEST]),
            "time_zone": get_current_timezone_name(),
            "example": example(),
        }
        asked = verb.asks(context["count"]) % {"count": context["count"]}
        told = {"verb": verb, "asks_when": verb.when is not None, "listed": listed, "asked": asked}
        context = {**given, **context, **told}
        if verb.makes:
            context["fields"][sendings.FIELD] = sendings.new_sending()
        return page(self, request, "confirm", capfirst(str(verb.label)), context)

    def _tell(self, request: HttpRequest, verb: Verb, report: Report) -> None:
        if report.done:
            self.message_user(request, done_text(verb, report.done), messages.SUCCESS)
        if report.made:
            self.message_user(request, _made_text(report), messages.SUCCESS)
        for text in followed_texts(report):
            self.message_user(request, text, messages.WARNING)
        if report.passed_over:
            reasons = " ".join(_told(request, why) for why in report.skipped[:_REASONS])
            more = report.passed_over - _REASONS
            text = _("Skipped %(count)s: %(reasons)s") % {
                "count": number(report.passed_over),
                "reasons": spelled(reasons),
            }
            self.message_user(request, text + (f" {_more(more)}" if more > 0 else ""), messages.WARNING)

    def _back(self, request: HttpRequest, jobs: Sequence[Job], back: str) -> str:
        if back == "job" and len(jobs) == 1:
            return self._url(request, "jobqueue_job_change", jobs[0].pk)
        return self._url(request, "jobqueue_job_changelist")

    def _url(self, request: HttpRequest, name: str, *args: Any) -> str:
        url = reverse(f"admin:{name}", args=args, current_app=self.admin_site.name)
        return add_preserved_filters({"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}, url)


def _moment(request: HttpRequest, verb: Verb) -> datetime | None:
    """Return the moment that was given for a verb that wants one; raises NoMoment."""
    return moment_of(request.POST.get("at", ""), now=clock(connections[alias()])) if verb.when else None


def _told(request: HttpRequest, why: str) -> str:
    """Return why something was not done; what the database says of a row may have all of the row in it."""
    told, refused, _row = why.partition(": the database refused it")
    return told if refused and not may_view_payloads(request) else translated(why)


def _made_text(report: Report) -> SafeString:
    """Return links to the new jobs, as many as a line takes."""
    made = report.made[:_LISTED]
    links = format_html_join(", ", "{}", ((cells.link("job", job, job),) for job in made))
    more = report.done - len(made)
    return format_html("{} {}{}", _("New:"), links, f" {_more(more)}" if more else "")


def _more(count: int) -> str:
    return ngettext("… and %(count)s more.", "… and %(count)s more.", count) % {"count": number(count)}


def _ids(text: str) -> list[UUID]:
    try:
        wanted = [UUID(part) for part in text.split(",") if part]
    except ValueError:
        raise BadRequest("Not a list of job ids.") from None
    if len(wanted) > MOST_AT_ONCE:
        raise BadRequest("Too many jobs at once.")
    return wanted
