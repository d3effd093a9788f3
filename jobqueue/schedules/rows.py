"""The rows of schedules: where they are, and how one is locked while something happens to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from ..conf import suggestion
from ..database import alias, lock_only_what_matches, take_write_lock
from ..errors import UnknownSchedule
from ..models import Schedule
from ..sentences import Sentence


def all_rows() -> Any:
    """Return the schedules that there are, on the database of the jobs."""
    return Schedule.objects.using(alias())


def require(row: Schedule | None, name: str) -> Schedule:
    """Return a row that was looked for by name; raises UnknownSchedule when there was none."""
    if row is None:
        raise UnknownSchedule(
            Sentence(
                "There is no schedule %(name)r.%(hint)s",
                name=name,
                hint=suggestion(name, all_rows().values_list("name", flat=True)),
            )
        )
    return row


@contextmanager
def locked(
    pk: int | None = None, *, name: str | None = None, only: Q | None = None
) -> Iterator[tuple[BaseDatabaseWrapper, Schedule | None]]:
    """Open a transaction with the row locked, None if it is not there; who ticks passes over what another one ticks."""
    connection = connections[alias()]
    lock_only_what_matches(connection)
    with transaction.atomic(using=connection.alias):
        take_write_lock(connection)
        skip = only is not None and connection.features.has_select_for_update_skip_locked
        which = Q(name=name) if pk is None else Q(pk=pk)
        rows = Schedule.objects.using(connection.alias).select_for_update(skip_locked=skip)
        yield connection, rows.filter(which, only or Q()).first()
