"""create_each: many jobs at once, each with values of its own, and for some keys no new one. All of them or none.

Whoever enqueues many under keys may meet another who does so with the same ones in another order. Keys are taken in
their own order, so the two wait for each other once and not crosswise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .. import ledger
from ..calls import NewCall
from ..database import alias, new_ids
from ..errors import IdempotencyConflict
from ..ledger import Reservation
from ..models import Job, LedgerEntry
from ..payload import fingerprint
from ..points import reached
from ..spans import seconds_of
from . import unique
from .create import Row, insert_rows, write_rest

_LOT = 500


class Answer(NamedTuple):
    """The job for a call, and whether this call has made it."""

    job_id: str
    is_new: bool


def create_each(calls: Sequence[NewCall]) -> list[Answer]:
    """Insert a job for each of these calls of one task, or find the one that is there for its key; in that order.

    Raises UnknownDependency when a job is to wait for one that is not there, and IdempotencyConflict when a key
    stands for other arguments, in the ledger or in another call.
    """
    connection = connections[alias()]
    rows = [
        Row(job_id, call.text, call.task, call.unique_key, call.limit_key)
        for job_id, call in zip(new_ids(len(calls)), calls, strict=True)
    ]
    with transaction.atomic(using=connection.alias):
        answers = _create_unique(connection, rows) if rows[0].task.unique else _create_under_keys(connection, rows)
        new = [row for job_id, row in zip(answers, rows, strict=True) if job_id == row.job_id]
        if rest := [(UUID(row.job_id), row.task) for row in new if row.task.after or row.task.tags]:
            write_rest(connection, rest)
    return [Answer(job_id, job_id == row.job_id) for job_id, row in zip(answers, rows, strict=True)]


# -- unique jobs ------------------------------------------------------------------------------------


def _create_unique(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> list[str]:
    task, keys = rows[0].task, [str(row.unique_key) for row in rows]
    first = dict(zip(reversed(keys), reversed(rows), strict=True))
    while True:
        with transaction.atomic(using=connection.alias):
            held = unique.known_holders(connection, task, first)
            insert_rows(connection, [first[key] for key in sorted(first) if key not in held])
            held |= unique.holders(connection, task, [key for key in first if key not in held])
            if len(held) == len(first):
                return [str(held[key]) for key in keys]
            # A job that was in the way is so no more. Inserting now would be out of order.
            transaction.set_rollback(True, using=connection.alias)


# -- jobs under idempotency keys --------------------------------------------------------------------


def _create_under_keys(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> list[str]:
    wanted: dict[str, Reservation] = {}
    for number, row in enumerate(rows):
        if (key := row.task.idempotency_key) is not None:
            one = _reservation(key, row)
            if wanted.setdefault(key, one).fingerprint != one.fingerprint:
                raise _conflict(number, row, "stands for other arguments in a call before it")
    entries = _enter(connection, rows[0].task.module_path, list(wanted.values())) if wanted else {}
    answers: list[str] = []
    for number, row in enumerate(rows):
        key = row.task.idempotency_key
        if key is not None and key in entries and entries[key].fingerprint != _fingerprint(row):
            raise _conflict(number, row, f"was used before with other arguments, for job {entries[key].job_id}")
        answers.append(row.job_id if key is None else str((entries.get(key) or wanted[key]).job_id))
    insert_rows(connection, [row for job_id, row in zip(answers, rows, strict=True) if job_id == row.job_id])
    return answers


def _fingerprint(row: Row) -> str:
    return fingerprint(row.task.module_path, row.arguments)


def _reservation(key: str, row: Row) -> Reservation:
    return Reservation(key, UUID(row.job_id), _fingerprint(row), seconds_of(row.task.key_ttl))


def _conflict(number: int, row: Row, what: str) -> IdempotencyConflict:
    return IdempotencyConflict(
        f"The idempotency key {row.task.idempotency_key!r} of calls[{number}] of {row.task.module_path} {what}: use "
        "another key for another call. Nothing was enqueued."
    )


def _enter(connection: BaseDatabaseWrapper, path: str, wanted: Sequence[Reservation]) -> dict[str, LedgerEntry]:
    """Enter these keys in the ledger; return the entries of those that stand for another job."""
    scope = ledger.enqueue_scope(path)
    reached("enqueue.before-keys")
    there = ledger.reserve_many(connection, scope, wanted)
    reached("enqueue.after-keys")
    # To ask of others whether they may be taken over would lock them for as long as the caller's transaction lasts.
    found: Iterable[Any] = there.values()
    expired: list[LedgerEntry] = [entry for entry in found if entry.is_over]
    unfinished = _unfinished(connection, [entry.job_id for entry in expired])
    if over := [entry for entry in expired if entry.job_id not in unfinished]:
        # Only now that all others are entered: who has come so far waits for nobody who has not.
        keys = {entry.key for entry in over}
        standing = ledger.take_over_many(connection, scope, over, {one.key: one for one in wanted if one.key in keys})
        there = {key: entry for key, entry in there.items() if key not in keys} | standing
    return there


def _unfinished(connection: BaseDatabaseWrapper, ids: Sequence[UUID]) -> set[UUID]:
    jobs = Job.objects.using(connection.alias).unfinished().order_by()
    found: set[UUID] = set()
    for first in range(0, len(ids), _LOT):
        found.update(jobs.filter(pk__in=ids[first : first + _LOT]).values_list("pk", flat=True))
    return found
