"""Failures by task and error: how many, since when, and one press to see or to retry all of a kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.tasks import TaskResultStatus
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..database import alias, clock, moment, readable_sql, seconds_since_sql
from ..models import Attempt, Job, Outcome
from ..spelling import spelled
from . import cells
from .inert import inert
from .numbers import number
from .pages import page
from .paging import COUNT_AT_MOST
from .states import mark
from .times import between
from .times import moment as shown
from .verbs import RETRY

JOBS, ATTEMPTS = Job._meta.db_table, Attempt._meta.db_table
# The last hour, day and week, in seconds.
_LATELY = (3600, 86400, 604800)
_KINDS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Kind:
    """Jobs of one task that failed of the same; `lately` is how many in the last hour, day and week."""

    task_path: str
    outcome: str
    exception: str
    count: int
    lately: tuple[int, ...]
    first: datetime | None
    last: datetime | None


def kinds() -> list[Kind]:
    """Return the kinds of failures among the newest failed jobs, what failed last first."""
    connection = connections[alias()]
    since = seconds_since_sql(connection, "failed.finished_at")
    lately = ", ".join(f"SUM(CASE WHEN {since} <= {seconds} THEN 1 ELSE 0 END)" for seconds in _LATELY)
    # One that was never begun may have several of the number 0: each time that it ended for another's sake.
    error = (
        f"(SELECT exception_class FROM {ATTEMPTS} AS ended WHERE ended.job_id = newest.id "
        "AND ended.number = newest.attempt ORDER BY ended.id DESC LIMIT 1)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT task_path, failed.outcome, exception, COUNT(*), {lately}, "
            f"{readable_sql(connection, 'MIN(failed.finished_at)')}, "
            f"{readable_sql(connection, 'MAX(failed.finished_at)')} AS latest "
            f"FROM (SELECT task_path, outcome, finished_at, COALESCE({error}, '') AS exception "
            f"FROM (SELECT id, task_path, outcome, attempt, finished_at FROM {JOBS} WHERE status = 'FAILED' "
            f"ORDER BY id DESC LIMIT {COUNT_AT_MOST}) AS newest) AS failed "
            "GROUP BY task_path, failed.outcome, exception ORDER BY latest DESC "
            f"LIMIT {_KINDS_SHOWN + 1}"
        )
        rows = cursor.fetchall()
    at = partial(moment, connection)
    return [
        Kind(path, outcome, exception, count, (int(hour), int(day), int(week)), at(first), at(last))
        for path, outcome, exception, count, hour, day, week, first, last in rows
    ]


class FailuresAdmin(admin.ModelAdmin):
    """Adds the page of failures."""

    def get_urls(self) -> list[Any]:
        """Return the address of that page, and the rest."""
        view = self.admin_site.admin_view(self.failures_view)
        return [path("failures/", view, name="jobqueue_job_failures"), *super().get_urls()]

    def failures_view(self, request: HttpRequest) -> HttpResponse:
        """Show what has failed, by task and error."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found, now = kinds(), clock(connections[alias()])
        context = {
            "rows": [self._row(request, kind, now) for kind in found[:_KINDS_SHOWN]],
            "is_cut": len(found) > _KINDS_SHOWN,
            "most": number(COUNT_AT_MOST),
        }
        return page(self, request, "failures", _("Failures"), context)

    def _row(self, request: HttpRequest, kind: Kind, now: datetime) -> dict[str, Any]:
        filters = {
            "status": TaskResultStatus.FAILED,
            "task": kind.task_path,
            "outcome": kind.outcome,
            "exception": kind.exception,
        }
        url = f"{reverse('admin:jobqueue_job_changelist', current_app=self.admin_site.name)}?{urlencode(filters)}"
        return {
            "task": cells.task_name(kind.task_path),
            "outcome": _mark(kind.outcome),
            "exception": inert(kind.exception) if kind.exception else cells.NOTHING,
            "count": cells.jobs_link(number(kind.count), **filters),
            "lately": [number(count) for count in kind.lately],
            "first": shown(kind.first, between(kind.first, now)),
            "last": shown(kind.last, between(kind.last, now)),
            "presses": self._presses(request, kind, url),
        }

    def _presses(self, request: HttpRequest, kind: Kind, url: str) -> list[dict[str, Any]]:
        user: Any = request.user
        if kind.outcome == Outcome.IN_DOUBT or not user.has_perm("jobqueue.retry_job"):
            return []
        # The list is asked to do it to all that its filters find; it wants something to be ticked.
        fields = {"action": f"{RETRY.name}_selected", "select_across": "1", ACTION_CHECKBOX_NAME: UUID(int=0)}
        names = {"task": spelled(kind.task_path), "error": spelled(kind.exception)}
        aloud = _("Retry %(task)s %(error)s") % names
        return [{"label": RETRY.label, "aloud": aloud, "url": url, "fields": fields}]


def _mark(outcome: str) -> SafeString:
    # A newer version, or somebody else, may have written a word that is none here.
    word = Outcome(outcome).label if outcome in Outcome else outcome
    return mark("cancelled" if outcome == Outcome.CANCELLED else "failed", spelled(str(word)))
