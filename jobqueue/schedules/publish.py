"""publish_declared: what the code declares becomes rows."""

from __future__ import annotations

import logging
from dataclasses import asdict

from django.db.backends.base.base import BaseDatabaseWrapper

from ..database import clock
from ..models import Schedule
from ..planning import Plan, declared
from .rows import locked

logger = logging.getLogger("jobqueue.worker")


def publish_declared() -> None:
    """Write down the schedules that this process declares; what an operator paused stays so."""
    for name, plan in declared().items():
        with locked(name=name) as (connection, row):
            if row is None:
                _insert(connection, plan)
                continue
            if not row.declared:
                logger.warning("Schedule %s was made by hand; it is as the code declares it from now on.", row)
            wanted = {**asdict(plan), "starts_at": plan.starts_at or row.starts_at, "declared": True}
            if any(getattr(row, field) != value for field, value in wanted.items()):
                for field, value in wanted.items():
                    setattr(row, field, value)
                row.save(using=connection.alias)


def _insert(connection: BaseDatabaseWrapper, plan: Plan) -> None:
    """Make the row of a schedule, unless another worker does so at the same time."""
    now = clock(connection)
    row = Schedule(**asdict(plan), declared=True)
    row.starts_at = row.starts_at or now.replace(microsecond=0)
    row.next_at = plan.timetable(row.starts_at).after(now)
    Schedule.objects.using(connection.alias).bulk_create([row], ignore_conflicts=True)
