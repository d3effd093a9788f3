"""The record of attempts: renewals while one lives, why it ended, and the late writes that were refused to it.

Only workers' own threads and the verbs write here, never the transaction of a body: a process that froze in the middle
of its COMMIT must not keep others from recording their renewals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connections
from django.db.models import F

from ..database import DatabaseNow, alias
from ..fence import Fence
from ..models import Attempt, Job, Outcome


class Renewal(NamedTuple):
    """That a claim has been renewed so many times, and by which process it is run."""

    fence: Fence
    renewals: int
    pid: int | None


def record_renewals(worker_id: str, renewals: Sequence[Renewal]) -> None:
    """Write down how often each claim of a worker has been renewed by now."""
    if not renewals:
        return
    now = DatabaseNow()
    rows = [
        Attempt(
            job_id=fence.job_id,
            number=fence.attempt,
            token=fence.token,
            worker_id=worker_id,
            pid=pid,
            renewals=count,
            renewed_at=now,
        )
        for fence, count, pid in renewals
    ]
    unique = ["job_id", "number"] if connections[alias()].vendor != "mysql" else None
    Attempt.objects.using(alias()).bulk_create(
        rows,
        batch_size=100,
        update_conflicts=True,
        unique_fields=unique,
        update_fields=["renewals", "renewed_at", "pid"],
    )


def end_attempt(fence: Fence, outcome: Outcome, *, exception_class: str = "", traceback: str = "") -> None:
    """Write down why a claim ended, in the transaction of the verb that ends it."""
    job = Job.objects.using(alias()).values("started_at", "worker_id").get(pk=fence.job_id)
    Attempt.objects.using(alias()).update_or_create(
        job_id=fence.job_id,
        number=fence.attempt,
        defaults={
            "token": fence.token,
            "worker_id": job["worker_id"],
            "started_at": job["started_at"],
            "ended_at": DatabaseNow(),
            "outcome": outcome,
            "exception_class": exception_class[:255],
            "traceback": traceback.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        },
    )


def close_attempts(fences: Sequence[Fence]) -> None:
    """Write down that claims of which renewals are recorded ended well."""
    for fence in fences:
        started = Job.objects.using(alias()).filter(pk=fence.job_id).values("started_at")[:1]
        Attempt.objects.using(alias()).filter(
            job_id=fence.job_id, number=fence.attempt, token=fence.token, ended_at=None
        ).update(ended_at=DatabaseNow(), outcome=Outcome.OK, started_at=started)


def count_refused(fence: Fence) -> bool:
    """Write down that the database refused a late write under this fence; False when the attempt left no record."""
    return bool(
        Attempt.objects.using(alias())
        .filter(job_id=fence.job_id, number=fence.attempt, token=fence.token)
        .update(refused_writes=F("refused_writes") + 1)
    )
