"""judge: jobs that wait for others. Their gate opens once these have succeeded; or they end, READY → FAILED, unbegun.

Many may judge the same job at once: whoever wrote down how one of the earlier jobs ended, whoever enqueued the job, the
keepers. That the earlier ones have succeeded stays true for ever, so it may be read first, without a lock on any of
them, and acted upon after. The change itself is one conditional UPDATE: whoever comes first makes it, and nobody else.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.tasks import TaskResultStatus

from ..database import (
    DatabaseNow,
    alias,
    by_index,
    by_primary_key,
    lock_only_what_matches,
    marks,
    take_write_lock,
    uuid_param,
    uuid_value,
)
from ..models import Attempt, Dependency, Gate, Job, Outcome
from ..points import reached
from .depend import remembered_status, waiting_for
from .gates import gate_behind

JOBS, DEPENDENCIES = Job._meta.db_table, Dependency._meta.db_table
_WAITS = Q(status=TaskResultStatus.READY, gate=Gate.AFTER)
_LEVELS = 10
# What comes of a job when an earlier one fails, by its `on_failure`. "run" is none of them.
_OUTCOMES = {"cancel": Outcome.CANCELLED, "fail": Outcome.DEPENDENCY}


class Judged(NamedTuple):
    """What came of it: the jobs that may be due now, in which (backend, queue), and those that have ended, and why."""

    opened: dict[UUID, tuple[str, str]]
    ended: dict[UUID, str]


class Bar(NamedTuple):
    """An earlier job that keeps one from being begun, now or for ever. `status` is None when it is not there."""

    after_id: UUID
    on_failure: str
    status: str | None
    outcome: str

    @property
    def may_go(self) -> bool:
        """Whether that may change by itself."""
        return self.status in (TaskResultStatus.READY, TaskResultStatus.RUNNING)

    @property
    def is_minded(self) -> bool:
        """Whether the job was to succeed, and not only to end."""
        return self.on_failure != "run"

    def __str__(self) -> str:
        how = f"is FAILED ({self.outcome})" if self.status else "was pruned before it could be looked at"
        return f"Job {self.after_id}, for which it waited, {how}."


def judge(waiting: Sequence[UUID], *, ended: Sequence[UUID] = ()) -> Judged:
    """Let those of these jobs go on whose earlier ones have all succeeded, and end those of which one has failed.

    ``ended`` names earlier jobs that may have failed just now; where it does not, a failure counts once all have ended.
    """
    if not waiting:
        return Judged({}, {})
    connection = connections[alias()]
    bars = _bars(connection, [], ended) if ended else {}
    bars = {job_id: bars[job_id] for job_id in waiting if job_id in bars}
    complete = [job_id for job_id in _without_unfinished(connection, waiting) if job_id not in bars]
    found = _bars(connection, complete, []) if complete else {}
    ready = [job_id for job_id in complete if job_id not in found]
    bars |= {job_id: bar for job_id, bar in found.items() if not bar.may_go}
    return _change(connection, ready, bars) if ready or bars else Judged({}, {})


def follow(ended: Sequence[UUID]) -> Judged:
    """Judge the jobs that wait for these, which have ended, then those that wait for what has ended by that, and so on.

    A lot of each level, and not without end: the rest is found by sweep().
    """
    found = Judged({}, {})
    for _ in range(_LEVELS):
        judged = judge(waiting_for(ended), ended=ended)
        found = Judged(found.opened | judged.opened, found.ended | judged.ended)
        ended = list(judged.ended)
        if not ended:
            break
    return found


def sweep(backend: str, *, beyond: UUID | None, limit: int = 500) -> tuple[Judged, UUID | None]:
    """Judge the next ``limit`` of the jobs of a backend that wait; return also the last of them, None at the end."""
    connection = connections[alias()]
    onwards, params = ("", []) if beyond is None else (" AND id > %s", [uuid_param(connection, beyond)])
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {JOBS}{by_index(connection, 'jobqueue_ready')} WHERE status = 'READY' AND gate = 'after' "
            f"AND backend = %s{onwards} ORDER BY id LIMIT %s",
            [backend, *params, limit],
        )
        ids = [uuid_value(row[0]) for row in cursor.fetchall()]
    judged = judge(ids)
    further = follow(list(judged.ended)) if judged.ended else Judged({}, {})
    both = Judged(judged.opened | further.opened, judged.ended | further.ended)
    return both, ids[-1] if len(ids) == limit else None


def _without_unfinished(connection: BaseDatabaseWrapper, waiting: Sequence[UUID]) -> list[UUID]:
    """Return those that wait, and of whose earlier jobs none waits or runs. The latest are likely to be the last."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {JOBS} WHERE id IN ({marks(waiting)}) AND status = 'READY' AND gate = 'after' AND "
            f"(SELECT position FROM {DEPENDENCIES} JOIN {JOBS} AS earlier ON earlier.id = after_id WHERE job_id = "
            f"{JOBS}.id AND earlier.status IN ('READY', 'RUNNING') ORDER BY position DESC LIMIT 1) IS NULL",
            _params(connection, waiting),
        )
        return [uuid_value(row[0]) for row in cursor.fetchall()]


def _bars(connection: BaseDatabaseWrapper, waiting: Sequence[UUID], ended: Sequence[UUID]) -> dict[UUID, Bar]:
    """Return what keeps each of these jobs, or each that waits for one of those that ended, from going on.

    One that has not ended goes before one that has failed.
    """
    where = f"job_id IN ({marks(waiting)})" if waiting else f"after_id IN ({marks(ended)}) AND status = 'FAILED'"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT job_id, after_id, on_failure, status, outcome FROM {DEPENDENCIES} LEFT JOIN {JOBS} "
            f"ON {JOBS}.id = after_id WHERE (status IS NULL OR status <> 'SUCCESSFUL') AND {where} "
            "ORDER BY job_id, position DESC",
            _params(connection, waiting or ended),
        )
        rows = [(uuid_value(row[0]), Bar(uuid_value(row[1]), *row[2:])) for row in cursor.fetchall()]
    bars: dict[UUID, Bar] = {}
    for job_id, bar in rows:
        if (bar.may_go or bar.is_minded) and not _was_successful(bar) and not (job_id in bars and bars[job_id].may_go):
            bars[job_id] = bar
    return bars


def _was_successful(bar: Bar) -> bool:
    return bar.status is None and remembered_status(bar.after_id) == TaskResultStatus.SUCCESSFUL


def _change(connection: BaseDatabaseWrapper, ready: Sequence[UUID], bars: dict[UUID, Bar]) -> Judged:
    """Open and end in one transaction; pass over what somebody has locked, for the next look will find it."""
    reached("judge.before")
    lock_only_what_matches(connection)
    with transaction.atomic(using=connection.alias):
        take_write_lock(connection)
        skip = connection.features.has_select_for_update_skip_locked
        rows = Job.objects.using(connection.alias).filter(pk__in=[*ready, *bars]).order_by("pk")
        free = {
            job.pk: job
            for job in rows.only("status", "gate", "attempt", "backend", "queue").select_for_update(skip_locked=skip)
            if job.status == TaskResultStatus.READY and job.gate == Gate.AFTER
        }
        to_open = [job_id for job_id in ready if job_id in free]
        to_end = {job_id: bar for job_id, bar in bars.items() if job_id in free}
        with by_primary_key(connection):
            waits = Job.objects.using(connection.alias).filter(_WAITS)
            due_at = Greatest(F("due_at"), DatabaseNow())
            changed = to_open and waits.filter(pk__in=to_open).update(gate=gate_behind(), due_at=due_at)
            for outcome, ids in _by_outcome(to_end).items():
                waits.filter(pk__in=ids).update(
                    status=TaskResultStatus.FAILED, outcome=outcome, gate=Gate.OPEN, finished_at=DatabaseNow()
                )
        _record(connection, [(free[job_id], bar) for job_id, bar in to_end.items()])
        reached("judge.before-commit")
    reached("judge.after")
    opened = {job_id: (free[job_id].backend, free[job_id].queue) for job_id in to_open} if changed else {}
    return Judged(opened, {job_id: str(bar) for job_id, bar in to_end.items()})


def _by_outcome(bars: dict[UUID, Bar]) -> dict[Outcome, list[UUID]]:
    found: dict[Outcome, list[UUID]] = defaultdict(list)
    for job_id, bar in bars.items():
        found[_OUTCOMES[bar.on_failure]].append(job_id)
    return found


def _record(connection: BaseDatabaseWrapper, ends: Iterable[tuple[Job, Bar]]) -> None:
    """Write down why jobs ended that were never begun."""
    Attempt.objects.using(connection.alias).bulk_create(
        [
            Attempt(
                job_id=job.pk,
                number=job.attempt,
                token=uuid.uuid4(),
                worker_id="",
                ended_at=DatabaseNow(),
                outcome=_OUTCOMES[bar.on_failure],
                exception_class="jobqueue.errors.DependencyFailed",
                traceback=str(bar),
            )
            for job, bar in ends
        ],
        batch_size=100,
    )


def _params(connection: BaseDatabaseWrapper, ids: Iterable[UUID]) -> list[Any]:
    return [uuid_param(connection, job_id) for job_id in ids]
