"""tick: what is due happens, and the row steps on to its next tick, in one transaction.

What makes each tick happen once is its entry in the ledger (the schedule's name and the moment). The row is locked
while it ticks, to spare others the work; that nothing happens twice does not depend on it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from .. import ledger
from ..database import DatabaseNow, clock, new_id
from ..models import Schedule
from ..planning import ALL, SKIP, Plan, Timetable
from ..points import reached
from .enqueue import check, enqueue
from .rows import all_rows, locked

# Far longer than a clock is set back by accident: a tick that is forgotten by then is one that is over by the row, too.
_REMEMBERED = timedelta(days=7)


class Ticked(NamedTuple):
    """What came of the ticks that were due: the jobs that were made, and since when ticks were passed over, if any."""

    name: str
    job_ids: list[UUID]
    passed_over: datetime | None


def tick(pk: int) -> Ticked | None:
    """Have the ticks of a schedule that are due happen, as it says of those missed; None when nothing is due any more.

    Raises InvalidSchedule when it cannot be done: nothing has happened then, and the ticks wait to be made up.
    """
    with locked(pk, only=Q(paused=False, next_at__lte=DatabaseNow())) as (connection, row):
        if row is None:
            return None
        plan, now = row.plan, clock(connection)
        check(plan)
        table = plan.timetable(row.next_at)
        ticks = _fresh(table, row, now)
        chosen = _chosen(plan, ticks, now)
        jobs = [job_id for at in chosen if (job_id := _run_once(connection, plan, at)) is not None]
        changes: dict[str, Any] = {"next_at": table.after(now), "fault": ""}
        if ticks:
            changes["last_tick_at"] = ticks[-1]
        if jobs:
            changes |= {"last_run_at": now, "last_job_id": jobs[-1]}
        reached("tick.before-step")
        moved = Schedule.objects.using(connection.alias).filter(pk=pk, next_at=row.next_at).update(**changes)
        if not moved:  # Somebody was quicker, who need not have locked the row.
            transaction.set_rollback(True, using=connection.alias)
            return None
        reached("tick.before-commit")
    reached("tick.after")
    begin = row.next_at
    return Ticked(plan.name, jobs, begin if ticks and begin and (not chosen or begin < chosen[0]) else None)


def _fresh(table: Timetable, row: Schedule, now: datetime) -> list[datetime]:
    """Return of the ticks that are due, and not over, the last ones: as many as may happen."""
    assert row.next_at is not None
    ticks = table.latest(row.next_at, now, most=row.most if row.missed == ALL else 1)
    return [at for at in ticks if row.last_tick_at is None or at > row.last_tick_at]


def _chosen(plan: Plan, ticks: list[datetime], now: datetime) -> list[datetime]:
    """Return those that happen: where lateness counts, none that is too late."""
    if plan.missed == SKIP:
        return [at for at in ticks if now - at <= timedelta(seconds=plan.grace)]
    return ticks


def _run_once(connection: BaseDatabaseWrapper, plan: Plan, at: datetime) -> UUID | None:
    """Enqueue the job of a tick and return its id; None when the tick has happened before."""
    scope, key = ledger.schedule_scope(plan.name), at.astimezone(UTC).isoformat()
    placeholder = new_id()
    reached("tick.before-ledger")
    if ledger.reserve(connection, scope, key, job_id=placeholder, fingerprint="") is not None:
        return None
    reached("tick.before-enqueue")
    result: Any = enqueue(plan)
    job_id, was_there = UUID(result.id), result.enqueued_before
    ttl = _REMEMBERED.total_seconds()
    ledger.hand_over(connection, scope, key, of=placeholder, job_id=job_id, was_there=was_there, ttl=ttl)
    return job_id


def find_fault(pk: int, reason: str) -> bool:
    """Write down why a schedule cannot be done; return False when that was known."""
    return bool(all_rows().filter(pk=pk).exclude(fault=reason).update(fault=reason))
