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

from ..database import lock_only_what_matches, moment, now_sql, uuid_param, uuid_value
from ..fence import Fence
from ..models import Job

TABLE = Job._meta.db_table


class Claim(NamedTuple):
    """A claimed job, as it travels to the executor that runs it. `arguments` is JSON."""

    job_id: UUID
    attempt: int
    token: UUID
    task_path: str
    arguments: str
    failures: int
    crashes: int
    queue: str
    priority: int
    enqueued_at: datetime
    started_at: datetime
    first_started_at: datetime

    @property
    def fence(self) -> Fence:
        """What every write of the owner names."""
        return Fence(self.job_id, self.attempt, self.token)


_RETURNS = (
    "id, attempt, task_path, arguments, failures, crashes, queue, priority, due_at, "
    "enqueued_at, started_at, first_started_at"
)


def claim(
    connection: BaseDatabaseWrapper, *, backend: str, queue: str, paths: Sequence[str], worker_id: str, limit: int
) -> list[Claim]:
    """Claim up to ``limit`` due jobs of a queue for a worker, by priority, due time and id.

    Only jobs whose task is in ``paths`` are taken. Rows that another transaction holds locked are passed over. The
    claims of one call share a fresh token.
    """
    if not paths or limit < 1:
        return []
    where = (
        "WHERE status = 'READY' AND backend = %s AND queue = %s AND due_at <= "
        f"{now_sql(connection)} AND task_path IN ({', '.join(['%s'] * len(paths))})"
        " ORDER BY priority DESC, due_at, id LIMIT %s"
    )
    if connection.features.has_select_for_update:
        where += " FOR UPDATE"
    if connection.features.has_select_for_update_skip_locked:
        where += " SKIP LOCKED"
    params = [backend, queue, *paths, limit]
    token = uuid.uuid4()
    if connection.vendor == "mysql":
        rows = _select_then_update(connection, where, params, token, worker_id)
    else:
        rows = _update_returning(connection, where, params, token, worker_id)
    claims = [(row[8], _claim(connection, row, token)) for row in rows]
    claims.sort(key=lambda pair: (-pair[1].priority, pair[0], pair[1].job_id))
    return [claim for _, claim in claims]


def _claim(connection: BaseDatabaseWrapper, row: Sequence[Any], token: UUID) -> Claim:
    moments: list[Any] = [moment(connection, value) for value in row[9:12]]
    return Claim(uuid_value(row[0]), row[1], token, *row[2:8], *moments)


def _update_returning(
    connection: BaseDatabaseWrapper, where: str, params: list[Any], token: UUID, worker_id: str
) -> list[Any]:
    """Claim in one statement. SQLite has no SKIP LOCKED and needs none: one connection writes at a time."""
    now = now_sql(connection)
    # An array is made once; a sub-select that locks could be planned to run, and to lock, again and again.
    picked = "= ANY(ARRAY(%s))" if connection.vendor == "postgresql" else "IN (%s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE} SET status = 'RUNNING', attempt = attempt + 1, token = %s, worker_id = %s, "
            f"started_at = {now}, first_started_at = COALESCE(first_started_at, {now}), outcome = '' "
            f"WHERE id {picked.replace('%s', f'SELECT id FROM {TABLE} {where}')} RETURNING {_RETURNS}",
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
            f"SELECT {_RETURNS.removesuffix('started_at, first_started_at')}{now}, COALESCE(first_started_at, {now}) "
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
