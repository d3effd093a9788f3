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
from ..database import lock_only_what_matches, moment, now_sql, uuid_param, uuid_value
from ..fence import Fence
from ..models import Job, TaskDefinition

TABLE = Job._meta.db_table


class Claim(NamedTuple):
    """A claimed job, as it travels to the executor that runs it. `arguments` is JSON.

    `moments` are when it was enqueued, begun and first begun, as the database gave them: few ever ask.
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
    moments: tuple[Any, Any, Any]

    @property
    def fence(self) -> Fence:
        """What every write of the owner names."""
        return Fence(self.job_id, self.attempt, self.token)

    @property
    def enqueued_at(self) -> datetime:
        """When the job was enqueued."""
        return self._moment(0)

    @property
    def started_at(self) -> datetime:
        """When this claim was made."""
        return self._moment(1)

    @property
    def first_started_at(self) -> datetime:
        """When the job was claimed for the first time."""
        return self._moment(2)

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
_WITHOUT_WAITING = "(SELECT set_config('synchronous_commit', 'off', true)) IS NOT NULL"


def claim(
    connection: BaseDatabaseWrapper, *, backend: str, queue: str, paths: Sequence[str], worker_id: str, limit: int
) -> list[Claim]:
    """Claim up to ``limit`` due jobs of a queue for a worker, by priority, due time and id.

    Only jobs whose task is in ``paths``, and not paused, are taken. Rows that another transaction holds locked are
    passed over. The claims of one call share a fresh token.
    """
    if not paths or limit < 1:
        return []
    where = (
        "WHERE status = 'READY' AND backend = %s AND queue = %s AND due_at <= "
        f"{now_sql(connection)} AND task_path IN ({', '.join(['%s'] * len(paths))}) "
        f"AND task_path NOT IN (SELECT path FROM {TaskDefinition._meta.db_table} WHERE paused AND backend = %s)"
        " ORDER BY priority DESC, due_at, id LIMIT %s"
    )
    if connection.features.has_select_for_update:
        where += " FOR UPDATE"
    if connection.features.has_select_for_update_skip_locked:
        where += " SKIP LOCKED"
    params = [backend, queue, *paths, backend, limit]
    token = uuid.uuid4()
    if connection.vendor == "mysql":
        rows = _select_then_update(connection, where, params, token, worker_id)
    else:
        rows = _update_returning(connection, where, params, token, worker_id)
    claims = [(row[8], _claim(row, token)) for row in rows]
    claims.sort(key=lambda pair: (-pair[1].priority, pair[0], pair[1].job_id))
    return [claim for _, claim in claims]


def _claim(row: Sequence[Any], token: UUID) -> Claim:
    return Claim._make([uuid_value(row[0]), row[1], token, *row[2:8], row[9:12]])


def _update_returning(
    connection: BaseDatabaseWrapper, where: str, params: list[Any], token: UUID, worker_id: str
) -> list[Any]:
    """Claim in one statement. SQLite has no SKIP LOCKED and needs none: one connection writes at a time."""
    now, picked, moments = now_sql(connection), "IN (%s)", ", ".join(_MOMENTS)
    if connection.vendor == "postgresql":
        # An array is made once; a sub-select that locks could be planned to run, and to lock, again and again.
        picked = f"= ANY(ARRAY(%s)) AND {_WITHOUT_WAITING}"
        # Numbers are read faster than dates.
        moments = ", ".join(f"EXTRACT(EPOCH FROM {name})::float8" for name in _MOMENTS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE} SET status = 'RUNNING', attempt = attempt + 1, token = %s, worker_id = %s, "
            f"started_at = {now}, first_started_at = COALESCE(first_started_at, {now}), outcome = '' "
            f"WHERE id {picked.replace('%s', f'SELECT id FROM {TABLE} {where}')} RETURNING {_RETURNS}, {moments}",
            [uuid_param(connection, token), worker_id, *params],
        )
        return list(cursor.fetchall())


def _select_then_update(
    connection: BaseDatabaseWrapper, where: str, params: list[Any], token: UUID, worker_id: str
) -> list[Any]:
    """Claim in one transaction, where UPDATE … RETURNING does not exist (MariaDB and MySQL).

    Both statements are told their index: with another one they would lock jobs that they do not take.
    """
    now = now_sql(connection)
    lock_only_what_matches(connection)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_RETURNS}, due_at, enqueued_at, {now}, COALESCE(first_started_at, {now}) "
            f"FROM {TABLE} FORCE INDEX (jobqueue_ready) {where}",
            params,
        )
        rows = [(row[0], row[1] + 1, *row[2:]) for row in cursor.fetchall()]
        if rows:
            started_at = rows[0][10]
            cursor.execute(
                f"UPDATE {TABLE} FORCE INDEX (PRIMARY) SET status = 'RUNNING', attempt = attempt + 1, token = %s, "
                "worker_id = %s, started_at = %s, first_started_at = COALESCE(first_started_at, %s), outcome = '' "
                f"WHERE id IN ({', '.join(['%s'] * len(rows))}) AND status = 'READY'",
                [uuid_param(connection, token), worker_id, started_at, started_at, *(row[0] for row in rows)],
            )
        return rows
