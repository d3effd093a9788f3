"""The idempotency ledger: that something happened, and what came of it. SQL only.

Every entry is unique in (scope, key). Whoever inserts it in the transaction of the effect makes the two one: the effect
is committed if and only if the entry is, and it cannot be committed twice.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.backends.base.base import BaseDatabaseWrapper

from .database import DatabaseNow, alias, now_sql, uuid_param
from .errors import LeaseLost
from .fence import Fence
from .models import LedgerEntry


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
    verb = "INSERT IGNORE INTO" if connection.vendor == "mysql" else "INSERT INTO"
    tail = "" if connection.vendor == "mysql" else "ON CONFLICT (scope, key) DO NOTHING"
    name = connection.ops.quote_name
    columns = ", ".join(map(name, ("scope", "key", "job_id", "attempt", "fingerprint", "created_at")))
    with connection.cursor() as cursor:
        cursor.execute(
            f"{verb} {name(LedgerEntry._meta.db_table)} ({columns})"
            f" VALUES (%s, %s, %s, 0, %s, {now_sql(connection)}) {tail}",
            [scope, key, uuid_param(connection, job_id), fingerprint],
        )
        if cursor.rowcount:
            return None
    entries = LedgerEntry.objects.using(connection.alias)
    if connection.vendor == "mysql":
        # A plain read may look at a snapshot from before the other transaction committed.
        entries = entries.select_for_update()
    return entries.get(scope=scope, key=key)


def step(job_id: UUID, name: str) -> LedgerEntry | None:
    """Return the entry of a step of a job, None when it has not happened."""
    return LedgerEntry.objects.using(alias()).filter(scope=step_scope(job_id), key=name).first()


def record_step(fence: Fence, name: str, value: str | None) -> None:
    """Enter a step with its value (JSON), in the transaction of its effects; raises LeaseLost if another did."""
    try:
        LedgerEntry.objects.using(alias()).create(
            scope=step_scope(fence.job_id),
            key=name,
            job_id=fence.job_id,
            attempt=fence.attempt,
            value=None if value is None else json.loads(value),
            created_at=DatabaseNow(),
        )
    except IntegrityError as error:
        raise LeaseLost(f"Another owner of job {fence.job_id} did the step {name!r} in the meantime.") from error


def remembered(job_id: UUID) -> dict[str, Any] | None:
    """Return what is kept of a job that was pruned, None when nothing is."""
    entry = (
        LedgerEntry.objects.using(alias())
        .filter(job_id=job_id, scope__startswith="enqueue:", value__isnull=False)
        .first()
    )
    return entry.value if entry else None
