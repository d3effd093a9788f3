"""claim: READY → RUNNING, for a batch, in one statement; mints the fence.

A claim may be lost in a crash of the database (workers claim without waiting for the disk): the job is then READY again
and the token of the lost claim is never used again, so nothing that was done under it can be settled.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from ..database import DatabaseNow, now_sql, uuid_param, uuid_value
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

    @property
    def fence(self) -> Fence:
        """What every write of the owner names."""
        return Fence(self.job_id, self.attempt, self.token)


def claim(
    connection: BaseDatabaseWrapper, *, backend: str, queue: str, paths: Sequence[str], worker_id: str, limit: int
) -> list[Claim]:
    """Claim up to ``limit`` due jobs of a queue for a worker, by priority, due time and id.

    Only jobs whose task is in ``paths`` are taken. Rows that another transaction holds locked are passed over. The
    claims of one call share a fresh token.
    """
    if not paths or limit < 1:
        return []
    pick = (
        f"SELECT id FROM {TABLE} WHERE status = 'READY' AND backend = %s AND queue = %s AND due_at <= "
        f"{now_sql(connection)} AND task_path IN ({', '.join(['%s'] * len(paths))})"
        " ORDER BY priority DESC, due_at, id LIMIT %s"
    )
    params = [backend, queue, *paths, limit]
    token = uuid.uuid4()
    if connection.vendor == "mysql":
        rows = _select_then_update(connection, pick, params, token, worker_id)
    else:
        rows = _update_returning(connection, pick, params, token, worker_id)
    rows.sort(key=lambda row: (-row[5], row[6], uuid_value(row[0])))
    return [
        Claim(uuid_value(row[0]), row[1], token, row[2], row[3], failures=row[4], crashes=row[7]) for row in rows
    ]


_RETURNS = "id, attempt, task_path, arguments, failures, priority, due_at, crashes"


def _update_returning(
    connection: BaseDatabaseWrapper, pick: str, params: list[Any], token: UUID, worker_id: str
) -> list[Any]:
    """Claim in one statement. SQLite has no SKIP LOCKED and needs none: one connection writes at a time."""
    now = now_sql(connection)
    if connection.features.has_select_for_update_skip_locked:
        pick += " FOR UPDATE SKIP LOCKED"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE} SET status = 'RUNNING', attempt = attempt + 1, token = %s, worker_id = %s, "
            f"started_at = {now}, first_started_at = COALESCE(first_started_at, {now}), outcome = '' "
            f"WHERE id {'= ANY(ARRAY(' if connection.vendor == 'postgresql' else 'IN ('}{pick}"
            f"{'))' if connection.vendor == 'postgresql' else ')'} RETURNING {_RETURNS}",
            [uuid_param(connection, token), worker_id, *params],
        )
        return list(cursor.fetchall())


def _select_then_update(
    connection: BaseDatabaseWrapper, pick: str, params: list[Any], token: UUID, worker_id: str
) -> list[Any]:
    """Claim in one transaction, where UPDATE … RETURNING does not exist (MariaDB and MySQL)."""
    now = now_sql(connection)
    skip = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else " FOR UPDATE"
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(pick.replace("SELECT id", f"SELECT {_RETURNS}", 1) + skip, params)
        rows = [(row[0], row[1] + 1, *row[2:]) for row in cursor.fetchall()]
        if rows:
            cursor.execute(
                f"UPDATE {TABLE} SET status = 'RUNNING', attempt = attempt + 1, token = %s, worker_id = %s, "
                f"started_at = {now}, first_started_at = COALESCE(first_started_at, {now}), outcome = '' "
                f"WHERE id IN ({', '.join(['%s'] * len(rows))})",
                [uuid_param(connection, token), worker_id, *(row[0] for row in rows)],
            )
        return rows


def ready_queues(connection: BaseDatabaseWrapper, backend: str) -> list[str]:
    """Return the queues in which jobs are due now, for a worker that serves every queue."""
    due = Job.objects.using(connection.alias).ready().filter(backend=backend, due_at__lte=DatabaseNow())
    return sorted(due.order_by().values_list("queue", flat=True).distinct())
