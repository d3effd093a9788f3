"""claim: READY → RUNNING, for a batch, in one statement; mints the fence.

A claim may be lost in a crash of the database (workers claim without waiting for the disk): the job is then READY again
and the token of the lost claim is never used again, so nothing that was done under it can be settled.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .. import database
from ..database import lock_only_what_matches, marks, moment, now_sql, uuid_param, uuid_value
from ..fence import Fence
from ..models import Gate, Job, PausedQueue, TaskDefinition
from ..points import reached

TABLE = Job._meta.db_table


class Claim(NamedTuple):
    """A claimed job, as it travels to the executor that runs it. `arguments` is JSON.

    `moments` are when it was due, enqueued, begun and first begun, as the database gave them: few ever ask.
    """

    job_id: UUID
    attempt: int
    token: UUID
    task_path: str
    arguments: str
    failures: int
    crashes: int
    queue: str
    priority: int
    moments: tuple[Any, Any, Any, Any]
    limit_key: str = ""

    def __repr__(self) -> str:
        """Name the claim and none of the job's arguments: error reports show the variables of frames."""
        return f"<Claim {self.attempt} of {self.task_path} {self.job_id}>"

    @property
    def fence(self) -> Fence:
        """What every write of the owner names."""
        return Fence(self.job_id, self.attempt, self.token)

    @property
    def waited(self) -> float:
        """For how many seconds it was due before this claim was made."""
        return (self.started_at - self._moment(0)).total_seconds()

    @property
    def enqueued_at(self) -> datetime:
        """When the job was enqueued."""
        return self._moment(1)

    @property
    def started_at(self) -> datetime:
        """When this claim was made."""
        return self._moment(2)

    @property
    def first_started_at(self) -> datetime:
        """When the job was claimed for the first time."""
        return self._moment(3)

    def _moment(self, which: int) -> datetime:
        value = moment(database.connection(), self.moments[which])
        assert value is not None
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel light: UUIDs are slow to pickle, and every job is sent to another process."""
        return _unpacked, (self.job_id.int, self.attempt, self.token.int, *self[3:])


def _unpacked(job_id: int, attempt: int, token: int, *rest: Any) -> Claim:
    return Claim(UUID(int=job_id), attempt, UUID(int=token), *rest)


_RETURNS = "id, attempt, task_path, arguments, failures, crashes, queue, priority"
_MOMENTS = ("due_at", "enqueued_at", "started_at", "first_started_at")


# PostgreSQL need not wait for the disk: see above. For this transaction only, and in the same round trip.
WITHOUT_WAITING = "(SELECT set_config('synchronous_commit', 'off', true)) IS NOT NULL"


def claim(
    connection: BaseDatabaseWrapper, *, backend: str, queue: str, paths: Sequence[str], worker_id: str, limit: int
) -> list[Claim]:
    """Claim up to ``limit`` due jobs of a queue for a worker, by priority, due time and id.

    Only jobs whose task is in ``paths`` are taken, and none while the task or the queue is paused. Rows that another
    transaction holds locked are passed over. The claims of one call share a fresh token.
    """
    if not paths or limit < 1:
        return []
    condition, params = due(connection, gate=Gate.OPEN, backend=backend, queue=queue, paths=paths)
    where, params = f"WHERE {condition} ORDER BY priority DESC, due_at, id LIMIT %s", [*params, limit]
    if connection.features.has_select_for_update:
        where += " FOR UPDATE"
    if connection.features.has_select_for_update_skip_locked:
        where += " SKIP LOCKED"
    token = uuid.uuid4()
    if connection.vendor == "mysql":
        rows = _select_then_update(connection, "jobqueue_ready", where, params, token, worker_id)
    else:
        picked = "IN (%s)"
        if connection.vendor == "postgresql":
            # An array is made once; a sub-select that locks could be planned to run, and to lock, again and again.
            picked = f"= ANY(ARRAY(%s)) AND {WITHOUT_WAITING}"
        found = picked.replace("%s", f"SELECT id FROM {TABLE} {where}")
        rows = _update_returning(connection, found, params, token, worker_id)
    return _in_order(rows, token)


def due(
    connection: BaseDatabaseWrapper, *, gate: Gate, backend: str, queue: str, paths: Sequence[str]
) -> tuple[str, list[Any]]:
    """Return the condition for jobs at a gate of a queue that are due, known and not paused, and its parameters.

    The gate is written out, for a partial index serves only what names it.
    """
    condition = (
        f"status = 'READY' AND gate = '{gate.value}' AND backend = %s AND queue = %s AND due_at <= "
        f"{now_sql(connection)} AND task_path IN ({marks(paths)}) "
        f"AND task_path NOT IN (SELECT path FROM {TaskDefinition._meta.db_table} WHERE paused)"
        f" AND NOT EXISTS (SELECT 1 FROM {PausedQueue._meta.db_table} AS paused WHERE paused.backend = %s"
        " AND paused.name = %s)"
    )
    return condition, [backend, queue, *paths, backend, queue]


def claim_these(connection: BaseDatabaseWrapper, job_ids: Sequence[UUID], *, worker_id: str) -> list[Claim]:
    """Claim jobs that are READY and whose rows this transaction holds locked; its COMMIT waits for the disk.

    A claim that a crash of the database undid would not be counted by who claims next, while its body still runs.
    """
    token, ids = uuid.uuid4(), [uuid_param(connection, job_id) for job_id in job_ids]
    these = f"IN ({marks(ids)}) AND status = 'READY'"
    if connection.vendor == "mysql":
        rows = _select_then_update(connection, "PRIMARY", f"WHERE id {these}", ids, token, worker_id)
    else:
        rows = _update_returning(connection, these, ids, token, worker_id)
    return _in_order(rows, token)


def _in_order(rows: Sequence[Sequence[Any]], token: UUID) -> list[Claim]:
    in_order = sorted(rows, key=lambda row: (-row[7], row[8], row[0]))
    return [Claim._make((uuid_value(row[0]), row[1], token, *row[2:8], row[8:12], row[12])) for row in in_order]


def _update_returning(
    connection: BaseDatabaseWrapper, picked: str, params: list[Any], token: UUID, worker_id: str
) -> list[Any]:
    """Claim in one statement. SQLite has no SKIP LOCKED and needs none: one connection writes at a time."""
    now, moments = now_sql(connection), ", ".join(_MOMENTS)
    if connection.vendor == "postgresql":
        # Numbers are read faster than dates.
        moments = ", ".join(f"EXTRACT(EPOCH FROM {name})::float8" for name in _MOMENTS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE} SET status = 'RUNNING', attempt = attempt + 1, token = %s, steps = 0, "
            f"worker_id = %s, started_at = {now}, first_started_at = COALESCE(first_started_at, {now}), outcome = '' "
            f"WHERE id {picked} RETURNING {_RETURNS}, {moments}, limit_key",
            [uuid_param(connection, token), worker_id, *params],
        )
        return list(cursor.fetchall())


def _select_then_update(
    connection: BaseDatabaseWrapper, index: str, where: str, params: list[Any], token: UUID, worker_id: str
) -> list[Any]:
    """Claim in one transaction, where UPDATE … RETURNING does not exist (MariaDB and MySQL).

    Both statements are told their index: with another one they would lock jobs that they do not take.
    """
    now = now_sql(connection)
    lock_only_what_matches(connection)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_RETURNS}, due_at, enqueued_at, {now}, COALESCE(first_started_at, {now}), limit_key "
            f"FROM {TABLE} FORCE INDEX ({index}) {where}",
            params,
        )
        rows = [(row[0], row[1] + 1, *row[2:]) for row in cursor.fetchall()]
        if rows:
            started_at = rows[0][10]
            reached("claim.before-update")
            cursor.execute(
                f"UPDATE {TABLE} FORCE INDEX (PRIMARY) SET status = 'RUNNING', attempt = attempt + 1, token = %s, "
                "steps = 0, worker_id = %s, started_at = %s, first_started_at = COALESCE(first_started_at, %s), "
                f"outcome = '' WHERE id IN ({marks(rows)}) AND status = 'READY'",
                [uuid_param(connection, token), worker_id, started_at, started_at, *(row[0] for row in rows)],
            )
            reached("claim.before-commit")
        return rows
