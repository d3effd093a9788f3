"""retry_many: retry for a lot of jobs, with a few statements for all of them.

Only what is plain is done here. What is in doubt, what was cancelled in the middle of its body a moment ago, and what
somebody else has locked is left to retry().
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Max
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias, by_primary_key, impatient_once, take_write_lock
from ..models import Attempt, Gate, Job, Outcome, Worker
from . import unique
from .depend import are_behind_others
from .gates import gate_again
from .judge import judge
from .many import Many, lock_free
from .retry import afresh, is_held, no_sooner, not_failed


def retry_many(job_ids: Sequence[UUID], *, at: datetime | None = None) -> Many:
    """Let failed jobs be attempted again, as retry() does, in one transaction: all that are done, or none."""
    connection = connections[alias()]
    with transaction.atomic(using=connection.alias), by_primary_key(connection):
        take_write_lock(connection)
        found = lock_free(connection, job_ids)
        refused = {job.pk: not_failed(job.pk) for job in found if job.status != TaskResultStatus.FAILED}
        plain = [job for job in found if job.pk not in refused and job.outcome != Outcome.IN_DOUBT]
        hasty = _cancelled_lately(connection, plain)
        plain = [job for job in plain if job.pk not in hasty]
        refused |= (held := _held(connection, plain))
        again = [job for job in plain if job.pk not in held]
        behind = are_behind_others([job.pk for job in again if job.attempt == 0])
        _make_ready(connection, again, behind, at)
        if behind:
            transaction.on_commit(lambda: judge(sorted(behind)), using=connection.alias, robust=True)
    return Many(frozenset(job.pk for job in again), refused)


def _cancelled_lately(connection: BaseDatabaseWrapper, jobs: Iterable[Job]) -> set[UUID]:
    """Return the jobs of which a body may still be running: they were cancelled less than a lease ago."""
    cancelled = [job.pk for job in jobs if job.outcome == Outcome.CANCELLED and job.attempt]
    if not cancelled:
        return set()
    lease = Worker.objects.using(connection.alias).aggregate(it=Max("lease_seconds"))["it"]
    attempts = Attempt.objects.using(connection.alias).filter(job_id__in=cancelled, outcome=Outcome.CANCELLED)
    lately = attempts.filter(ended_at__gt=DatabaseNow() - timedelta(seconds=lease or 0))
    return set(lately.order_by().values_list("job_id", flat=True))


def _held(connection: BaseDatabaseWrapper, jobs: Iterable[Job]) -> dict[UUID, str]:
    """Return why jobs cannot get their unique keys back; of several with the same key the first one can."""
    wanting = [(job, job.unique_key) for job in jobs if _holds(job) and job.unique_key is not None]
    if not wanting:
        return {}
    holders = unique.holders_in_line(connection, {key for _, key in wanting})
    refused = {}
    for job, key in wanting:
        holder = holders.setdefault(key, job.pk)
        if holder != job.pk:
            refused[job.pk] = is_held(job, [holder])
    return refused


def _holds(job: Job) -> bool:
    # Once it is READY again.
    return job.unique_key is not None and (job.unique_while == "active" or job.attempt == 0)


def _make_ready(connection: BaseDatabaseWrapper, jobs: Sequence[Job], behind: set[UUID], at: datetime | None) -> None:
    failed = Job.objects.using(connection.alias).failed()
    keys_are_taken = any(_holds(job) for job in jobs)
    # Keys are taken in no order: who waits for one here, while others wait for those taken before, could deadlock.
    with impatient_once(connection) if keys_are_taken else nullcontext():
        for those, gate in (
            ([job.pk for job in jobs if job.pk not in behind], gate_again()),
            ([job.pk for job in jobs if job.pk in behind], Gate.AFTER),
        ):
            if those:
                failed.filter(pk__in=those).update(**afresh(gate=gate, due_at=no_sooner(DatabaseNow(), at)))
