"""Limits: the keys under which jobs are limited, and how many run under each at this moment."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, cast

from django.contrib import admin
from django.tasks import TaskResultStatus
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from ..database import alias
from ..lifecycle import slots_taken
from ..limits import Policies
from ..models import Gate, Job, Limit
from . import cells
from .glance import now_of
from .inert import inert
from .numbers import number
from .paging import capped, capped_count
from .readonly import ReadOnlyAdmin
from .tasks import tasks_here
from .times import moment, span

_COUNTED = 1000
_HOLDERS = "holders"


@admin.register(Limit)
class LimitAdmin(ReadOnlyAdmin):
    """Lists keys that were used in the last days; how many wait is counted on the page of each."""

    list_display = ("key", "running", "allowed", "next_turn", "used", "jobs")
    sortable_by = ()
    search_fields = ("name",)
    search_help_text = _("A whole key, or its beginning.")
    fields = ("key", "running", "waiting", "allowed", "next_turn", "used", "jobs")
    readonly_fields = fields

    def get_search_results(self, request: Any, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Return the keys that begin with the text."""
        text = search_term.strip()
        return (queryset.filter(name__startswith=text) if text else queryset), False

    def prepare(self, rows: list[Any]) -> list[str]:
        """Count what runs under the keys of a page, with one query."""
        running = Job.objects.using(alias()).running().filter(limit_key__gt="", limit_key__in=[row.pk for row in rows])
        counts = Counter(running.order_by().values_list("limit_key", flat=True))
        for row in rows:
            row.__dict__["slots"] = counts[row.pk]
        return []

    @admin.display(description=_("key"))
    def key(self, limit: Limit) -> SafeString:
        """Return the key: a task, with or without a text of its own, or after a colon a text that tasks share."""
        return inert(limit.name)

    @admin.display(description=_("running"))
    def running(self, limit: Limit) -> str:
        """Return how many run at this moment."""
        slots = limit.__dict__.get("slots")
        return str(slots_taken(limit.name) if slots is None else slots)

    @admin.display(description=_("allowed"))
    def allowed(self, limit: Limit) -> SafeString | str:
        """Return how many may run at once, and how many may begin in which time."""
        return _allowed(limit.name, "") or cells.NOTHING

    @admin.display(description=_("waiting"))
    def waiting(self, limit: Limit) -> str:
        """Return how many jobs wait, due or not."""
        return str(capped_count(Job.objects.using(alias()).ready().filter(gate=Gate.LIMIT, limit_key=limit.name)))

    @admin.display(description=_("next due by its rate"))
    def next_turn(self, limit: Limit) -> SafeString:
        """Return when the next job may begin, if that is not now."""
        rate = Policies(tasks_here()).of_job(limit.name, "").rate
        wait = rate.wait(limit.next_at, now_of(limit)) if rate else 0.0
        return moment(now_of(limit) + timedelta(seconds=wait)) if wait else cells.NOTHING

    @admin.display(description=_("last used"))
    def used(self, limit: Limit) -> SafeString:
        """Return when a job was claimed under the key."""
        return moment(limit.used_at)

    @admin.display(description=_("jobs"))
    def jobs(self, limit: Limit) -> SafeString:
        """Return links to the jobs with the key that wait and that run."""
        links = [
            cells.jobs_link(TaskResultStatus(status).label, status=status, limit_key=limit.name)
            for status in (TaskResultStatus.READY, TaskResultStatus.RUNNING)
        ]
        return format_html("{} · {}", *links)


def _told(job: Job) -> str:
    """Return how many run under its key and what is allowed, as in ``2 running; allowed: 3 at once, 10 in 1 s``."""
    allowed = _allowed(job.limit_key, job.task_path)
    text = __("%(count)s running; allowed: %(allowed)s") if allowed else __("%(count)s running")
    return text % {"count": capped(len(holders_of(job)), _COUNTED), "allowed": allowed}


def _allowed(key: str, path: str) -> str:
    most, rate = Policies(tasks_here()).of_job(key, path)
    told = [__("%(count)s at once") % {"count": number(most)}] if most is not None else []
    if rate is not None:
        told.append(__("%(count)s in %(time)s") % {"count": number(rate.number), "time": span(rate.seconds)})
    return ", ".join(told)


def holders_of(job: Job) -> list[Job]:
    """Return who runs under the key of a job, the first thousand and one; looked up once for a page."""
    kept = job.__dict__
    if _HOLDERS not in kept:
        # The index knows only jobs that have a key, and has to be told.
        running = Job.objects.using(alias()).running().filter(limit_key=job.limit_key, limit_key__gt="")
        kept[_HOLDERS] = list(running.order_by("started_at").only("pk", "task_path")[: _COUNTED + 1])
    return cast(list[Job], kept[_HOLDERS])


def limit_of(job: Job) -> SafeString:
    """Return the key of a job, linked to the jobs that share it, and how it stands with its limit."""
    if not job.limit_key:
        return cells.NOTHING
    key = cells.jobs_link(inert(job.limit_key), limit_key=job.limit_key)
    if job.status not in (TaskResultStatus.READY, TaskResultStatus.RUNNING):
        return key
    return format_html("{} ({})", key, _told(job))
