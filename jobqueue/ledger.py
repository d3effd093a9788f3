"""The idempotency ledger: that something happened, and what came of it. SQL only.

Every entry is unique in (scope, key). Whoever inserts it in the transaction of the effect makes the two one: the effect
is committed if and only if the entry is, and it cannot be committed twice.
"""

from __future__ import annotations

import json
from typing import Any, cast
from uuid import UUID

from django.db import IntegrityError
from django.db.backends.base.base import BaseDatabaseWrapper

from .database import DatabaseNow, alias, now_sql, uuid_param
from .errors import LeaseLost
from .fence import Fence
from .models import LedgerEntry

TABLE = LedgerEntry._meta.db_table


def enqueue_scope(task_path: str) -> str:
    """Return the scope of the idempotency keys of a task."""
    return f"enqueue:{task_path}"


def step_scope(job_id: UUID) -> str:
    """Return the scope of the steps of a job."""
    return f"step:{job_id}"


def reserve(
    connection: BaseDatabaseWrapper, scope: str, key: str, *, job_id: UUID, fingerprint: str
) -> LedgerEntry | None:
    """Enter (scope, key) in the caller's transaction and return None, or return the entry that was there before.

    Waits for another transaction that is entering the same key, and goes by how that one ends.
    """
    entries = LedgerEntry.objects.using(connection.alias).filter(scope=scope, key=key)
    if connection.vendor == "mysql":
        # Mostly the answer is there already, and this looks without locking.
        entry = entries.first() or _enter_or_lock(connection, scope, key, job_id, fingerprint)
        return None if entry.job_id == job_id else entry
    if _insert(connection, scope, key, job_id, fingerprint, "ON CONFLICT (scope, key) DO NOTHING"):
        return None
    return entries.get()


def _enter_or_lock(
    connection: BaseDatabaseWrapper, scope: str, key: str, job_id: UUID, fingerprint: str
) -> LedgerEntry:
    """Enter a key, or lock the entry that is there, and return the one or the other.

    INSERT IGNORE would turn every other error into a warning, and leave two who wait for a third deadlocked: each
    would share a lock that each then wants for itself. This takes it whole.
    """
    _insert(connection, scope, key, job_id, fingerprint, "ON DUPLICATE KEY UPDATE id = id")
    # A plain read may look at a snapshot from before the other transaction committed.
    return LedgerEntry.objects.using(connection.alias).select_for_update().get(scope=scope, key=key)


def _insert(
    connection: BaseDatabaseWrapper, scope: str, key: str, job_id: UUID, fingerprint: str, otherwise: str
) -> int:
    columns = ", ".join(
        map(connection.ops.quote_name, ("scope", "key", "job_id", "attempt", "fingerprint", "created_at"))
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} ({columns}) VALUES (%s, %s, %s, 0, %s, {now_sql(connection)}) {otherwise}",
            [scope, key, uuid_param(connection, job_id), fingerprint],
        )
        return cast(int, cursor.rowcount)


def keep_result(task_path: str, key: str, job_id: UUID, result: dict[str, Any]) -> None:
    """Keep what came of the job that was enqueued under a key, for when its row is gone."""
    entries = LedgerEntry.objects.using(alias())
    entries.filter(scope=enqueue_scope(task_path), key=key, job_id=job_id).update(value=result)


def step(job_id: UUID, name: str) -> LedgerEntry | None:
    """Return the entry of a step of a job, None when it has not happened."""
    return LedgerEntry.objects.using(alias()).filter(scope=step_scope(job_id), key=name).first()


def record_step(fence: Fence, name: str, value: str | None) -> None:
    """Enter a step with its value (JSON), in the transaction of its effects; raises LeaseLost if another did."""
    entries = LedgerEntry.objects.using(alias())
    scope = step_scope(fence.job_id)
    try:
        entries.create(
            scope=scope,
            key=name,
            job_id=fence.job_id,
            attempt=fence.attempt,
            value=None if value is None else json.loads(value),
            created_at=DatabaseNow(),
        )
    except IntegrityError as error:
        if not _is_duplicate(error):
            raise
        raise LeaseLost(f"Another owner of job {fence.job_id} did the step {name!r} in the meantime.") from error


def _is_duplicate(error: IntegrityError) -> bool:
    cause: Any = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state == "23505" or 1062 in getattr(cause, "args", ()) or "UNIQUE constraint failed" in str(error)


def remembered(job_id: UUID) -> dict[str, Any] | None:
    """Return what is kept of a job that was pruned, None when nothing is."""
    entry = (
        LedgerEntry.objects.using(alias())
        .filter(job_id=job_id, scope__startswith="enqueue:", value__isnull=False)
        .first()
    )
    return entry.value if entry else None
