"""outlook, due and find: what there is, and what is to be done. Changes nothing."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Count, Min, Q

from ..database import DatabaseNow
from ..models import Schedule
from ..planning import declared
from .rows import all_rows, require


class Outlook(NamedTuple):
    """How many schedules are due by the database's clock, and in how many seconds the next one is that is not."""

    due: int
    wait: float | None


class Due(NamedTuple):
    """A schedule whose tick has come, and why it could not be done the last time."""

    pk: int
    name: str
    fault: str


def outlook() -> Outlook:
    """Return what is due and what comes next, in one statement."""
    now = DatabaseNow()
    found = (
        all_rows()
        .filter(paused=False)
        .aggregate(
            now=Min(now), due=Count("pk", filter=Q(next_at__lte=now)), next=Min("next_at", filter=Q(next_at__gt=now))
        )
    )
    wait = None if found["next"] is None else (found["next"] - found["now"]).total_seconds()
    return Outlook(found["due"], wait)


def due() -> list[Due]:
    """Return the schedules that are due, the longest first; of those that code declares, what this process does.

    What is declared no longer so never ticks, nor what an older version of the code knows nothing of.
    """
    rows = all_rows().filter(paused=False, next_at__lte=DatabaseNow()).order_by("next_at", "pk")
    known = declared()
    found = rows.values_list("pk", "name", "fault", "declared")
    return [Due(pk, name, fault) for pk, name, fault, in_code in found if not in_code or name in known]


def find(name: str) -> Schedule:
    """Return the schedule of that name; raises UnknownSchedule."""
    return require(all_rows().filter(name=name).first(), name)
