"""What the counter shows and what it must show: two counts of the same work, by two witnesses."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Count, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.tasks import TaskResultStatus

from jobqueue.models import Job, LedgerEntry

from .models import Counter
from .tasks import STEPS, add_one, count_order, count_slowly, fail_twice

ONE_EACH = [task.module_path for task in (add_one, fail_twice, count_order)]


class Figures(NamedTuple):
    """The counter now, what it has to be now, and what it has to be once nothing waits or runs any more."""

    found: int
    expected: int
    finally_expected: int

    @property
    def is_right(self) -> bool:
        """Whether no write is missing and none happened twice."""
        return self.found == self.expected

    @property
    def to_come(self) -> int:
        """What the jobs that wait or run will still add."""
        return self.finally_expected - self.expected


def figures() -> Figures:
    """Return the figures of one snapshot: one statement reads them all."""
    quick = Job.objects.filter(task_path__in=ONE_EACH)
    slow = Job.objects.filter(task_path=count_slowly.module_path)
    steps = LedgerEntry.objects.filter(scope__startswith="step:")
    row = (
        Counter.objects.filter(pk=Counter.shown().pk)
        .annotate(
            ended=_count(quick.filter(status=TaskResultStatus.SUCCESSFUL)),
            wanted=_count(quick.exclude(status=TaskResultStatus.FAILED)),
            steps=_count(steps),
            lasting=_count(slow.exclude(status=TaskResultStatus.FAILED)),
            given_up=_count(steps.filter(job_id__in=slow.filter(status=TaskResultStatus.FAILED).values("id"))),
        )
        .values("value", "ended", "wanted", "steps", "lasting", "given_up")
        .get()
    )
    return Figures(
        found=row["value"],
        expected=row["ended"] + row["steps"],
        finally_expected=row["wanted"] + STEPS * row["lasting"] + row["given_up"],
    )


def _count(rows: QuerySet[Any]) -> Coalesce:
    """Return the number of rows, as a part of another statement."""
    one_group = rows.order_by().annotate(all=Value(1)).values("all").annotate(number=Count("pk"))
    return Coalesce(Subquery(one_group.values("number")), 0)
