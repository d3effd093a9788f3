"""Jobs: the list, and the page of one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import TextField
from django.db.models.functions import Cast, Left
from django.http import HttpRequest, HttpResponse
from django.tasks import TaskResultStatus
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from ..models import Job
from . import cells
from .arguments import how_far, jobs_with, wanted_in
from .counters import counters
from .deciding import DecidingAdmin
from .failures import FailuresAdmin
from .filters import (
    BackendFilter,
    ExceptionFilter,
    GateFilter,
    OutcomeFilter,
    OwnerFilter,
    QueueFilter,
    SinceFilter,
    StatusFilter,
    TagFilter,
    TaskFilter,
    UnknownTaskFilter,
)
from .finding import find_jobs
from .glance import glance_of, look
from .inert import inert
from .job_page import job_page
from .paging import note
from .payloads import beginning_of
from .plots import PlotsAdmin
from .pressing import PressingAdmin
from .readonly import ReadOnlyAdmin
from .runs import last_run
from .saved import SavingAdmin
from .states import mark, state_of
from .times import between, moment
from .withheld import may_view_payloads, not_shown

# Enough to tell two calls of a task apart; a job's arguments may be hundreds of kilobytes.
_ARGUMENTS_SHOWN = 120


@admin.register(Job)
class JobAdmin(PressingAdmin, DecidingAdmin, FailuresAdmin, PlotsAdmin, SavingAdmin, ReadOnlyAdmin):
    """Shows jobs with their owners and leases as they are at this moment."""

    list_display = ("state", "task", "owner", "lease", "attempts", "age", "in_queue")
    list_display_links = ("state",)
    list_filter = (
        StatusFilter,
        SinceFilter,
        OutcomeFilter,
        ExceptionFilter,
        QueueFilter,
        TaskFilter,
        TagFilter,
        OwnerFilter,
        BackendFilter,
        GateFilter,
        UnknownTaskFilter,
    )
    links = frozenset({"limit_key"})
    # Only what an index gives: the id of a job rises with time.
    sortable_by = ("age",)
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = _(
        "An id, an idempotency key, part of a task’s path, or an argument, as order_id=42 or, whichever it is, arg:42."
    )
    change_list_template = "jobqueue/admin/job_list.html"
    change_form_template = "jobqueue/admin/job.html"

    class Media:
        js = ("jobqueue/live.js",)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Return the jobs that the text names."""
        text, found = search_term.strip(), []
        if not text:
            return queryset, False
        if wanted := wanted_in(text):
            may = may_view_payloads(request)
            note(request, how_far() if may else not_shown())
            found = jobs_with(queryset, wanted) if may else []
        return find_jobs(queryset, text, also=found), False

    def for_list(self, queryset: Any) -> Any:
        """Return the jobs with only the beginning of their arguments, and without their results."""
        beginning = Left(Cast("arguments", TextField()), _ARGUMENTS_SHOWN)
        return queryset.defer("arguments", "result").annotate(arguments_begin=beginning)

    def prepare(self, rows: list[Any]) -> list[str]:
        """Look up the owners, leases and tasks of a page of jobs."""
        return look(rows)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list below an overview of the whole."""
        return super().changelist_view(
            request, {"overview": counters(request), "saved": self.saved(request), **(extra_context or {})}
        )

    def about(self, request: HttpRequest, obj: Job) -> dict[str, Any]:
        """Return the job's attempts and steps, and the buttons that may be pressed."""
        found, page = look([obj]), job_page(obj, decide_url=lambda it: self.decide_url(request, obj, it))
        return {"notes": found, "page": page, "presses": self.presses(request, obj)}

    @admin.display(description=_("status"))
    def state(self, job: Job) -> SafeString:
        """Return status and outcome."""
        state = state_of(job, glance_of(job).now)
        return format_html('{}<small class="jq-detail">{}</small>', mark(state.shape, state.word), state.detail)

    @admin.display(description=_("task"))
    def task(self, job: Job) -> SafeString:
        """Return the task, the beginning of the call, and what needs attention."""
        glance = glance_of(job)
        return format_html(
            '{} {}<small class="jq-call">{}</small>{}',
            cells.task_name(job.task_path),
            cells.task_badges(known=glance.known, effects=glance.effects, paused=glance.paused),
            beginning_of(job),
            cells.small_progress(glance.attempt) if job.status == TaskResultStatus.RUNNING else "",
        )

    @admin.display(description=_("queue"))
    def in_queue(self, job: Job) -> SafeString:
        """Return the queue and the priority."""
        priority = __("priority %(number)s") % {"number": job.priority}
        return format_html('{}<small class="jq-detail">{}</small>', inert(job.queue), priority)

    @admin.display(description=_("owner"))
    def owner(self, job: Job) -> SafeString:
        """Return the worker of the last claim, and the process."""
        return cells.owner_of(job, glance_of(job))

    @admin.display(description=_("lease"))
    def lease(self, job: Job) -> SafeString:
        """Return what is left of the lease of a running job."""
        return cells.lease(glance_of(job).sign) if job.status == TaskResultStatus.RUNNING else cells.NOTHING

    @admin.display(description=_("attempts"))
    def attempts(self, job: Job) -> SafeString:
        """Return how often the job was claimed, and how many claims were charged to its budgets."""
        charged = [
            text % {"count": count}
            for count, text in ((job.failures, _("%(count)s failed")), (job.crashes, _("%(count)s crashed")))
            if count
        ]
        return format_html('{}<small class="jq-detail">{}</small>', job.attempt, ", ".join(charged))

    @admin.display(description=_("age"), ordering="-id")
    def age(self, job: Job) -> SafeString:
        """Return how long ago the job was enqueued, and how long its last claim has run."""
        run = last_run(job)
        ran = __("ran %(time)s") % {"time": run.duration} if run and run.duration else ""
        since = moment(job.enqueued_at, between(job.enqueued_at, glance_of(job).now))
        return format_html('{}<small class="jq-detail">{}</small>', since, ran)
