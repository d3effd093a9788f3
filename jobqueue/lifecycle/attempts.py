"""The record of attempts: renewals while one lives, why it ended, and the late writes that were refused to it.

Nothing here is written by the transaction of a body: a process that froze in the middle of its COMMIT must not keep
others from recording their renewals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import OperationalError, connections
from django.db.models import F
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias, impatient
from ..fence import Fence
from ..fields import storable
from ..models import Attempt, Job, Outcome
from ..points import reached


class Renewal(NamedTuple):
    """That a claim has been renewed so many times, by which process it is run, and how far it says it is."""

    fence: Fence
    renewals: int
    pid: int | None
    progress: dict[str, Any] | None = None
    started_at: datetime | None = None


def record_renewals(worker_id: str, renewals: Sequence[Renewal]) -> bool:
    """Write down how often each claim of a worker has been renewed by now, and how far it is.

    Return False when a row is locked for longer than a second and nothing was written: the next time will do.
    """
    connection = connections[alias()]
    rows = [
        Attempt(
            job_id=fence.job_id,
            number=fence.attempt,
            token=fence.token,
            worker_id=worker_id,
            pid=pid,
            renewals=count,
            renewed_at=DatabaseNow(),
            progress=progress,
            started_at=started_at,
        )
        # In one order, so that two who write the same rows cannot deadlock.
        for fence, count, pid, progress, started_at in sorted(renewals, key=lambda renewal: renewal.fence)
    ]
    if not rows:
        return True
    try:
        with impatient(connection):
            _upsert(rows, ["renewals", "renewed_at", "pid", "progress"])
            reached("renewals.before-commit")
    except OperationalError:
        if connection.connection is None or not connection.is_usable():
            raise
        return False
    reached("renewals.after")
    return True


def end_attempt(fence: Fence, outcome: Outcome, *, exception_class: str = "", traceback: str = "") -> None:
    """Write down why a claim ended, in the transaction of the verb that ends it."""
    job = Job.objects.using(alias()).values("started_at", "worker_id").get(pk=fence.job_id)
    row = Attempt(
        job_id=fence.job_id,
        number=fence.attempt,
        token=fence.token,
        worker_id=job["worker_id"],
        started_at=job["started_at"],
        ended_at=DatabaseNow(),
        outcome=outcome,
        exception_class=storable(exception_class)[:255],
        traceback=storable(traceback),
    )
    _upsert([row], ["worker_id", "started_at", "ended_at", "outcome", "exception_class", "traceback"])


def close_attempts(fences: Sequence[Fence]) -> None:
    """Write down which of these claims ended well, and forget what is on record of those that were handed back unbegun.

    They left nothing, but a renewal that was being recorded meanwhile makes the record anew.
    """
    ids: dict[UUID, list[UUID]] = defaultdict(list)
    for fence in fences:
        ids[fence.token].append(fence.job_id)
    for token, job_ids in ids.items():
        left_open = Attempt.objects.using(alias()).filter(job_id__in=job_ids, token=token, ended_at=None)
        ours = dict(Job.objects.using(alias()).filter(pk__in=job_ids, token=token).values_list("pk", "status"))
        well = [job_id for job_id in job_ids if ours.get(job_id) == TaskResultStatus.SUCCESSFUL]
        left_open.filter(job_id__in=well).update(ended_at=DatabaseNow(), outcome=Outcome.OK)
        if others := [job_id for job_id in job_ids if job_id not in ours]:
            left_open.filter(job_id__in=others, refused_writes=0).delete()


def forget_attempts(fences: Sequence[Fence]) -> None:
    """Delete the records of one claim of jobs whose bodies never began, but for those that somebody else has ended."""
    ids = [fence.job_id for fence in fences]
    Attempt.objects.using(alias()).filter(job_id__in=ids, token=fences[0].token, ended_at=None).delete()


def count_refused(fence: Fence, *, worker_id: str = "") -> None:
    """Write down that the database refused a late write under this fence."""
    reached("refused.before")
    attempts = Attempt.objects.using(alias())
    attempt, _ = attempts.get_or_create(
        job_id=fence.job_id, token=fence.token, defaults={"number": fence.attempt, "worker_id": worker_id}
    )
    attempts.filter(pk=attempt.pk).update(refused_writes=F("refused_writes") + 1)
    reached("refused.after")


def _upsert(rows: Sequence[Attempt], columns: list[str]) -> None:
    """Insert attempts, or change these columns of those that are there, in one statement for each hundred."""
    unique = None if connections[alias()].vendor == "mysql" else ["job_id", "token"]
    Attempt.objects.using(alias()).bulk_create(
        rows, batch_size=100, update_conflicts=True, unique_fields=unique, update_fields=columns
    )
