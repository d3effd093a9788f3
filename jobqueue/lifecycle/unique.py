"""What a unique key is held by, and how a job is inserted only if nobody holds its key.

Nothing here takes a key or lets go of it: the unique index is over jobs whose status says that they hold theirs. So a
key is free in the very transaction that begins or ends its job, whichever verb that is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import batched
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from ..database import by_index, marks, reads_are_fresh, uuid_param, uuid_value
from ..indexes import PartialUnique
from ..models import Job, KeyLock
from ..task import JobTask

TABLE = Job._meta.db_table
_LOT = 500
# The id of no job.
_NOBODY = UUID(int=0)
INDEX = "jobqueue_unique"
# By vendor; to spell them takes as long as a statement.
_spelled: dict[str, tuple[str, str]] = {}


def otherwise(connection: BaseDatabaseWrapper, task: JobTask) -> str:
    """Return what ends an INSERT of jobs of a task, so that it makes none for a key that is held.

    It waits for another transaction that is inserting a job with the key, and goes by how that one ends.
    """
    if task.unique is None:
        return ""
    if connection.vendor == "mysql":
        # INSERT IGNORE would turn every other error into a warning; this locks the row of the holder.
        return " ON DUPLICATE KEY UPDATE id = id"
    column, condition = _held(connection)
    return f" ON CONFLICT ({column}) WHERE {condition} DO NOTHING"


def holders(connection: BaseDatabaseWrapper, task: JobTask, keys: Collection[str]) -> dict[str, UUID]:
    """Return the jobs that hold these keys, after an INSERT that made none for them.

    One that waits, and holds its key for no longer than that, does not begin before the caller's transaction has ended:
    the caller's own job would not have either, and so it sees what that transaction writes.
    """
    lock = {"mysql": "FOR UPDATE", "postgresql": "FOR KEY SHARE" if task.unique == "waiting" else ""}
    return _look(connection, keys, lock.get(connection.vendor, ""))


def known_holders(connection: BaseDatabaseWrapper, task: JobTask, keys: Collection[str]) -> dict[str, UUID]:
    """Return the jobs that hold these keys, as holders() does, before an INSERT for all the others.

    That is for MariaDB and MySQL alone, in a transaction. There an INSERT that meets a holder locks its entry in the
    index before its row, and a claim or an end the row before the entry; so it must not meet one. Of those who find no
    holder one at a time goes on, and looks again. Who waits in that line has no job locked that has let go of its key:
    its end would wait for him, and the first in the line for that end.
    """
    if connection.vendor != "mysql":
        return {}
    held = _seen(connection, task, keys, patiently=False)
    if missing := [key for key in keys if key not in held]:
        _wait_in_line(connection, missing)
        held |= _seen(connection, task, missing, patiently=True)
    return held


def holders_in_line(connection: BaseDatabaseWrapper, keys: Collection[str]) -> dict[str, UUID]:
    """Return the jobs that hold these keys, as a plain read sees them, before an UPDATE has others hold the rest.

    On MariaDB and MySQL that comes after everybody who is enqueueing jobs with the keys, and who is next waits for it.
    """
    if connection.vendor == "mysql":
        _wait_in_line(connection, keys)
    return _look(connection, keys)


def _wait_in_line(connection: BaseDatabaseWrapper, keys: Collection[str]) -> None:
    """Lock rows that stand for keys until the transaction ends, in their order: rows that no job's verb touches."""
    for lot in batched(sorted({int(key[: KeyLock.DIGITS], 16) for key in keys}), _LOT):
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {KeyLock._meta.db_table} (id) VALUES {', '.join(['(%s)'] * len(lot))} "
                "ON DUPLICATE KEY UPDATE id = id",
                lot,
            )


def _seen(connection: BaseDatabaseWrapper, task: JobTask, keys: Collection[str], *, patiently: bool) -> dict[str, UUID]:
    """Return the holders that a plain read sees. Of one that waits the row is locked, as holders() says.

    ``patiently`` is whether to wait for a row that somebody else has locked, as who claims it has; else it is not seen.
    """
    found, is_fresh = _look(connection, keys), reads_are_fresh(connection)
    if not found or (task.unique == "active" and is_fresh):
        return found
    # By their ids: a look for a key that nobody holds any more would lock a gap under REPEATABLE READ.
    held: dict[str, UUID] = {}
    for lot in batched(sorted(found.values()), _LOT):
        # A row that no longer holds its key is let go of, but only if it was not waited for, and not if it was looked
        # up alone: then the server reads it as a constant. Under REPEATABLE READ it never is; and there, who looks for
        # more, or passes over a row, locks the gap behind it, where others insert.
        ids = [uuid_param(connection, job_id) for job_id in ((_NOBODY, *lot) if is_fresh else lot)]
        held |= _select(connection, "PRIMARY", "id", ids, _shared(connection, patiently=patiently or not is_fresh))
    return {key: job_id for key, job_id in held.items() if key in found}


def _shared(connection: BaseDatabaseWrapper, *, patiently: bool) -> str:
    is_mariadb = getattr(connection, "mysql_is_mariadb", False)
    if patiently or not connection.features.has_select_for_update_skip_locked:
        return "LOCK IN SHARE MODE"
    return "LOCK IN SHARE MODE SKIP LOCKED" if is_mariadb else "FOR SHARE SKIP LOCKED"


def _look(connection: BaseDatabaseWrapper, keys: Collection[str], lock: str = "") -> dict[str, UUID]:
    column, _ = _held(connection)
    found: dict[str, UUID] = {}
    for lot in batched(sorted(keys), _LOT):
        found |= _select(connection, INDEX, column, lot, lock)
    return found


def _select(connection: BaseDatabaseWrapper, index: str, by: str, values: Sequence[Any], lock: str) -> dict[str, UUID]:
    """Return who holds keys, by key. The index is told to MariaDB and MySQL: else they may lock all there is."""
    column, condition = _held(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column}, id FROM {TABLE}{by_index(connection, index)} WHERE {by} IN ({marks(values)}) "
            f"AND {condition} ORDER BY {by} {lock}",
            list(values),
        )
        return {key: uuid_value(job_id) for key, job_id in cursor.fetchall()}


def _held(connection: BaseDatabaseWrapper) -> tuple[str, str]:
    """Return the column with the keys that are held, and the condition for these, as SQL."""
    found = _spelled.get(connection.vendor)
    if found is None:
        (index,) = (it for it in Job._meta.indexes if isinstance(it, PartialUnique))
        found = _spelled[connection.vendor] = index.covers(Job, connection)
    return found
