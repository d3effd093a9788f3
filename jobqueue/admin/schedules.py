"""Schedules: added, edited, shown with their next times; run now, paused and resumed.

What code declares is looked at only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.dateformat import format as formatted
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from .. import schedules
from ..database import alias
from ..errors import JobQueueError
from ..models import Schedule
from ..sentences import said, translated
from ..spelling import spelled
from . import cells
from .audit import write_down
from .inert import inert
from .payloads import arguments_of
from .readonly import ReadOnlyAdmin
from .schedule_form import EDITED, ScheduleForm
from .tasks import is_declared_here, task_of
from .times import moment, span
from .withheld import is_withheld, may_view_payloads, not_shown

COMING = 5


def _run(row: Schedule) -> str:
    return __("Run now: job %(job)s.") % {"job": schedules.run_now(row.name).id}


def _pause(row: Schedule) -> str:
    return __("Paused.") if schedules.pause(row.name) else ""


def _resume(row: Schedule) -> str:
    return __("Resumed: it ticks from now on.") if schedules.resume(row.name) else ""


# What is written into the log when it was done; nothing when there was nothing to do.
DEEDS: dict[str, tuple[Any, Callable[[Schedule], str]]] = {
    "run": (_("Run now"), _run),
    "pause": (_("Pause"), _pause),
    "resume": (_("Resume"), _resume),
}


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """Lists schedules, asks for new ones, and has them run, pause and resume."""

    form = ScheduleForm
    list_display = ("known_as", "task", "when", "next_times", "last_run")
    sortable_by = ("known_as",)
    list_filter = ("paused", "declared")
    search_fields = ("name", "task_path")
    actions = ("run_selected", "pause_selected", "resume_selected")
    change_form_template = "jobqueue/admin/schedule.html"
    looked_at = ("known_as", "task", "call", "when", "bounds", "where", "of_missed", "last_run")
    readonly_fields = looked_at

    def get_fields(self, request: HttpRequest, obj: Schedule | None = None) -> tuple[str, ...]:
        """Return what is asked, or what is shown; a name is for ever, for the ledger knows the ticks by it."""
        if obj is None:
            return EDITED
        if not self.has_change_permission(request, obj):
            return self.looked_at
        # Who may not view the arguments leaves them as they are.
        edited = EDITED if may_view_payloads(request) else ["call" if name == "arguments" else name for name in EDITED]
        return ("known_as", *edited[1:], "last_run")

    def get_readonly_fields(self, request: HttpRequest, obj: Schedule | None = None) -> tuple[str, ...]:
        """Return what is not edited: nor, by whoever may not view them, the arguments of a schedule that there is."""
        return self.looked_at if obj is None or may_view_payloads(request) else (*self.looked_at, "arguments")

    # -- cells -----------------------------------------------------------------------------------

    @admin.display(description=_("name"), ordering="name")
    def known_as(self, row: Schedule) -> SafeString:
        """Return the name and what is to be known of it."""
        labels = []
        if row.declared:
            here = is_declared_here(row.name)
            text, title = (__("in code"), __("Declared in code: it is changed there.")) if here else (
                __("declared no longer"), __("No code of this process declares it, so it does not tick."),
            )  # fmt: skip
            labels.append(cells.badge(text, title=title, kind="quiet" if here else "warn"))
        if row.paused:
            labels.append(cells.badge(__("paused"), kind="warn"))
        if row.fault:
            labels.append(cells.badge(__("cannot tick"), title=_fault(row), kind="alarm"))
        return format_html("{} {}", inert(row.name), format_html_join(" ", "{}", ((label,) for label in labels)))

    @admin.display(description=_("task"))
    def task(self, row: Schedule) -> SafeString:
        """Return the task."""
        known = task_of(row.task_path) is not None
        labels = cells.task_badges(known=known, effects="", paused=False)
        return format_html("{} {}", cells.task_name(row.task_path), labels)

    @admin.display(description=_("arguments"))
    def call(self, row: Schedule) -> SafeString:
        """Return what it is given, without what is sensitive."""
        return cells.preformatted(arguments_of(row))

    @admin.display(description=_("when"))
    def when(self, row: Schedule) -> SafeString:
        """Return the rhythm, and in which time zone it is read."""
        if row.every is not None:
            return inert(__("every %(span)s") % {"span": span(row.every)})
        return format_html("<code>{}</code> <small>{}</small>", inert(row.cron), inert(row.time_zone))

    @admin.display(description=_("next times"))
    def next_times(self, row: Schedule) -> SafeString:
        """Return the next five, in the schedule's own time zone."""
        return coming(row, idle=why_idle(row))

    @admin.display(description=_("last run"))
    def last_run(self, row: Schedule) -> SafeString:
        """Return when it last ran, linked to the job, whose row may be gone by now."""
        if row.last_job_id is None:
            return cells.NOTHING
        return cells.link("job", row.last_job_id, moment(row.last_run_at))

    @admin.display(description=_("from – to"))
    def bounds(self, row: Schedule) -> SafeString:
        """Return between which moments it ticks."""
        return format_html("{} – {}", moment(row.starts_at), moment(row.ends_at) if row.ends_at else __("no end"))

    @admin.display(description=_("queue and priority"))
    def where(self, row: Schedule) -> SafeString:
        """Return where its jobs go."""
        if not row.queue and row.priority is None:
            return inert(__("as the task says"))
        queue = row.queue or __("the task’s queue")
        own = __("the task’s priority")
        priority = own if row.priority is None else __("priority %(number)s") % {"number": row.priority}
        return inert(f"{queue}, {priority}")

    @admin.display(description=_("missed ticks"))
    def of_missed(self, row: Schedule) -> SafeString:
        """Return what becomes of them."""
        return format_html(
            "{} <small>{}</small>",
            inert(str(row.get_missed_display())),
            __("at most %(most)s, grace %(grace)s") % {"most": row.most, "grace": span(row.grace)},
        )

    # -- deeds -----------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        """Return the addresses of the deeds, and the rest."""
        own = [
            path(
                f"<int:pk>/{deed}/",
                self.admin_site.admin_view(partial(self.deed_view, deed=deed)),
                name=f"jobqueue_schedule_{deed}",
            )
            for deed in DEEDS
        ]
        return [*own, *super().get_urls()]

    def deed_view(self, request: HttpRequest, pk: int, *, deed: str) -> HttpResponse:
        """Do what a button of the page says."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not (self.has_run_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        row = self.get_queryset(request).filter(pk=pk).first() if pk < 2**63 else None
        if row is None:
            raise Http404
        self._do(request, deed, [row])
        return HttpResponseRedirect(
            reverse("admin:jobqueue_schedule_change", args=[pk], current_app=self.admin_site.name)
        )

    @admin.action(permissions=["run"], description=_("Run selected schedules now"))
    def run_selected(self, request: HttpRequest, queryset: Any) -> None:
        """Run the chosen ones now."""
        self._do(request, "run", queryset)

    @admin.action(permissions=["run"], description=_("Pause selected schedules"))
    def pause_selected(self, request: HttpRequest, queryset: Any) -> None:
        """Pause the chosen ones."""
        self._do(request, "pause", queryset)

    @admin.action(permissions=["run"], description=_("Resume selected schedules"))
    def resume_selected(self, request: HttpRequest, queryset: Any) -> None:
        """Resume the chosen ones."""
        self._do(request, "resume", queryset)

    def _do(self, request: HttpRequest, deed: str, rows: Any) -> None:
        """Do it to each, write it into the admin's log, and say what was done and what not."""
        for row in rows:
            try:
                with transaction.atomic(using=alias()):
                    if done := DEEDS[deed][1](row):
                        write_down(request.user, row, done)
            except JobQueueError as error:
                why = translated(said(error)) if may_view_payloads(request) else not_shown()
                self.message_user(request, spelled(f"{row}: {why}"), messages.ERROR)
                continue
            if done:
                self.message_user(request, f"{row}: {done}", messages.SUCCESS)

    def about(self, request: HttpRequest, obj: Schedule) -> dict[str, Any]:
        """Return what the page shows beside the row: the next times, what keeps it from them, and the buttons."""
        fit = ("run", "resume" if obj.paused else "pause") if self.has_run_permission(request) else ()
        presses = [
            {
                "label": DEEDS[deed][0],
                "url": reverse(f"admin:jobqueue_schedule_{deed}", args=[obj.pk], current_app=self.admin_site.name),
            }
            for deed in fit
        ]
        idle = why_idle(obj)
        in_code = obj.declared and is_declared_here(obj.name)
        return {
            "coming": coming(obj, idle=idle),
            "idle": idle,
            "in_code": in_code,
            "presses": presses,
            "has_history": True,
        }

    # -- rights ----------------------------------------------------------------------------------

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may run, pause and resume schedules."""
        user: Any = request.user
        return bool(user.has_perm("jobqueue.run_schedule"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may add schedules."""
        return self.has_view_permission(request) and admin.ModelAdmin.has_add_permission(self, request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may edit a schedule: never one that code declares."""
        may = self.has_view_permission(request) and admin.ModelAdmin.has_change_permission(self, request, obj)
        return may and not (obj is not None and obj.declared)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may delete a schedule: not one that would be there again at the next start."""
        may = self.has_view_permission(request) and admin.ModelAdmin.has_delete_permission(self, request, obj)
        return may and not (obj is not None and obj.declared and is_declared_here(obj.name))


def why_idle(row: Schedule) -> str:
    """Return why a schedule does not tick by now, and what would change that; '' when it does."""
    if row.declared and not is_declared_here(row.name):
        return __(
            "It was declared in code, and no code of this process declares it: workers with this code leave it alone. "
            "Declare it again, or delete it here."
        )
    if row.paused:
        return __(
            "It is paused: none of these comes before it is resumed, and what is missed meanwhile is not made up for."
        )
    if row.fault:
        text = __("It cannot tick: %(fault)s Its ticks wait until a worker can do it, or it is edited.")
        return text % {"fault": f"{_fault(row).rstrip('.')}."}
    return ""


def _fault(row: Schedule) -> str:
    return not_shown() if is_withheld(row) else spelled(row.fault)


def coming(row: Schedule, *, idle: str = "") -> SafeString:
    """Return the next times of a schedule as a list, struck out when something keeps it from them."""
    ticks = row.coming(COMING)
    if not ticks:
        return cells.NOTHING
    fine = any(at.second for at in ticks)
    spelt = pgettext("date format", "D Y-m-d H:i:s") if fine else pgettext("date format", "D Y-m-d H:i")
    items = format_html_join(
        "",
        '<li><time datetime="{}">{}</time></li>',
        ((at.isoformat(), f"{formatted(at, spelt)} {at:%Z}") for at in ticks),
    )
    return format_html('<ol class="jq-coming{}" title="{}">{}</ol>', " jq-idle" if idle else "", idle, items)
