"""run_now, pause and resume: what people do to a schedule."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.tasks import TaskResult

from ..database import DatabaseNow, clock
from ..planning import Plan
from .enqueue import check, enqueue
from .rows import all_rows, locked, require


def run_now(name: str) -> TaskResult:
    """Enqueue the task of a schedule at once, paused or not; its ticks are not disturbed.

    Raises UnknownSchedule, and InvalidSchedule when it cannot be done.
    """
    with locked(name=name) as (_, row):
        found = require(row, name)
        check(found.plan)
        result = enqueue(found.plan)
        all_rows().filter(pk=found.pk).update(last_run_at=DatabaseNow(), last_job_id=UUID(result.id))
    return result


def pause(name: str) -> bool:
    """Have a schedule not tick until it is resumed; return False when it was paused. Raises UnknownSchedule."""
    with locked(name=name) as (_, row):
        return bool(all_rows().filter(pk=require(row, name).pk, paused=False).update(paused=True))


def resume(name: str) -> bool:
    """Have a schedule tick again, from now on by the database's clock; return False when it was not paused.

    What it missed while it was paused is not made up for. Raises UnknownSchedule.
    """
    with locked(name=name) as (connection, row):
        found, now = require(row, name), clock(connection)
        if not found.paused:
            return False
        # A clock that was ahead for a while may have left ticks of days to come behind.
        over = found.last_tick_at and min(found.last_tick_at, now)
        changes = {"paused": False, "fault": "", "last_tick_at": over, "next_at": _next(found.plan, now)}
        all_rows().filter(pk=found.pk).update(**changes)
        return True


def _next(plan: Plan, now: datetime) -> datetime | None:
    """Return the next tick; of a schedule that can have none, now, so that workers tell of it."""
    try:
        return plan.timetable().after(now)
    except ValueError:
        return now
