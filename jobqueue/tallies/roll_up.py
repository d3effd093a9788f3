"""roll_up: the rows of many workers and moments become one of a minute, an hour, a day; what is old goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connections, transaction

from ..database import alias, clock, lock_only_what_matches, take_write_lock
from .count import Count, Key
from .record import FRESH
from .rows import all_rows, count_of, key_of, row_of

KEPT = timedelta(days=400)
_LOT = 2000


class _Step(NamedTuple):
    """Rows of one span become rows of the next when they are so old."""

    span: int
    becomes: int
    after: timedelta


_STEPS = (
    _Step(FRESH, 60, timedelta(seconds=90)),
    _Step(60, 3600, timedelta(hours=3)),
    _Step(3600, 86400, timedelta(days=8)),
)


def roll_up() -> None:
    """Merge what is old enough, a lot of each span, and forget what is too old; raises DatabaseError."""
    now = clock(connections[alias()])
    for step in _STEPS:
        _merge(step, now - step.after)
    all_rows().filter(at__lt=now - KEPT).delete()


def _merge(step: _Step, until: datetime) -> None:
    """Put sums in the place of rows, all of them or none: nothing is counted twice, and nothing is lost."""
    connection = connections[alias()]
    # A whole hour or day, and never a part of one that has not ended.
    old = all_rows().filter(span=step.span, at__lt=_beginning(until, step.becomes))
    if not old.exists():
        return
    lock_only_what_matches(connection)
    with transaction.atomic(using=connection.alias):
        take_write_lock(connection)
        skip = connection.features.has_select_for_update_skip_locked
        rows = list(old.select_for_update(skip_locked=skip).order_by("at", "id")[:_LOT])
        sums = dict[tuple[datetime, Key], Count]()
        for row in rows:
            sums.setdefault((_beginning(row.at, step.becomes), key_of(row)), Count()).add(count_of(row))
        all_rows().filter(pk__in=[row.pk for row in rows]).delete()
        all_rows().bulk_create(row_of(key, count, at=at, span=step.becomes) for (at, key), count in sums.items())


def _beginning(at: datetime, span: int) -> datetime:
    seconds = int(at.timestamp())
    return datetime.fromtimestamp(seconds - seconds % span, UTC)
