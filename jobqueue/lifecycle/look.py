"""What a worker asks before it acts: where jobs are due, when the next one is, what it owns. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..database import alias, moment, now_sql
from ..models import Job

TABLE = Job._meta.db_table


def ready_queues(connection: BaseDatabaseWrapper, backend: str) -> list[str]:
    """Return the queues in which jobs are due now, for a worker that serves every queue."""
    now = now_sql(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_queues()} SELECT queue FROM waiting WHERE queue IS NOT NULL AND EXISTS (SELECT 1 FROM {TABLE} AS job "
            f"WHERE status = 'READY' AND backend = %s AND job.queue = waiting.queue AND due_at <= {now})",
            [backend, backend, backend],
        )
        return sorted(row[0] for row in cursor.fetchall())


def next_due(backend: str, queues: Sequence[str]) -> float | None:
    """Return in how many seconds, by the database's clock, a job becomes due that is not yet; None when none will.

    No ``queues`` means every queue.
    """
    connection = connections[alias()]
    with connection.cursor() as cursor:
        if not queues:
            cursor.execute(f"{_queues()} SELECT queue FROM waiting WHERE queue IS NOT NULL", [backend, backend])
            queues = [row[0] for row in cursor.fetchall()]
        waits = []
        for queue in queues:
            cursor.execute(_next_due(now_sql(connection)), [backend, queue] * 3)
            now, due = (moment(connection, value) for value in cursor.fetchone())
            if now is not None and due is not None:
                waits.append((due - now).total_seconds())
    return min(waits, default=None)


def held_tokens(worker_id: str) -> dict[UUID, UUID]:
    """Return the token of each job that is RUNNING for a worker, by job id."""
    owned = Job.objects.using(alias()).running().filter(worker_id=worker_id).order_by()
    return {job_id: token for job_id, token in owned.values_list("id", "token") if token is not None}


def _queues() -> str:
    """Return a table of the queues that have READY jobs: one look into the index for each, however many there are."""
    least = f"SELECT MIN(queue) FROM {TABLE} WHERE status = 'READY' AND backend = %s"
    return (
        f"WITH RECURSIVE waiting (queue) AS ({least} UNION ALL "
        f"SELECT ({least} AND {TABLE}.queue > waiting.queue) FROM waiting WHERE waiting.queue IS NOT NULL)"
    )


def _next_due(now: str) -> str:
    """Return the statement that asks for the earliest due time to come: one look into the index for each priority."""
    ready = f"FROM {TABLE} WHERE status = 'READY' AND backend = %s AND queue = %s"
    return (
        f"WITH RECURSIVE waiting (priority) AS (SELECT MAX(priority) {ready} UNION ALL "
        f"SELECT (SELECT MAX({TABLE}.priority) {ready} AND {TABLE}.priority < waiting.priority) "
        "FROM waiting WHERE waiting.priority IS NOT NULL) "
        f"SELECT {now}, MIN((SELECT MIN(due_at) {ready} AND {TABLE}.priority = waiting.priority AND due_at > {now})) "
        "FROM waiting WHERE waiting.priority IS NOT NULL"
    )
