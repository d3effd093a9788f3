"""What a worker asks before it acts: where jobs are due, when the next one is, what it owns. Only reads.

The index over READY jobs is led by backend, queue and priority. Nothing here reads more than one entry of it for each
queue and priority that is in use, however many jobs wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..database import alias, moment, now_sql, readable_sql
from ..models import Job

READY = f"FROM {Job._meta.db_table} WHERE status = 'READY' AND gate = '' AND backend = %s"


def ready_queues(connection: BaseDatabaseWrapper, backend: str) -> list[str]:
    """Return the queues in which jobs are due now, for a worker that serves every queue."""
    due = f"SELECT 1 {READY} AND queue = %s AND due_at <= {now_sql(connection)} LIMIT 1"
    return [queue for queue in _queues(connection, backend) if _ask(connection, due, [backend, queue])]


def next_due(backend: str, queues: Sequence[str]) -> float | None:
    """Return in how many seconds, by the database's clock, a job becomes due that is not yet; None when none will.

    No ``queues`` means every queue.
    """
    connection = connections[alias()]
    now = now_sql(connection)
    moments = f"{now}, {readable_sql(connection, 'MIN(due_at)')}"
    first = f"SELECT {moments} {READY} AND queue = %s AND priority = %s AND due_at > {now}"
    waits = []
    for queue in queues or _queues(connection, backend):
        for priority in _priorities(connection, backend, queue):
            asked_at, due_at = (
                moment(connection, value) for value in _ask(connection, first, [backend, queue, priority])
            )
            if asked_at is not None and due_at is not None:
                waits.append((due_at - asked_at).total_seconds())
    return min(waits, default=None)


def held_tokens(worker_id: str) -> dict[UUID, UUID]:
    """Return the token of each job that is RUNNING for a worker, by job id."""
    owned = Job.objects.using(alias()).running().filter(worker_id=worker_id).order_by()
    return {job_id: token for job_id, token in owned.values_list("id", "token") if token is not None}


def _queues(connection: BaseDatabaseWrapper, backend: str) -> Iterator[str]:
    """Yield the queues that have READY jobs, in order."""
    queue = ""
    while row := _ask(connection, f"SELECT MIN(queue) {READY} AND queue > %s", [backend, queue]):
        if row[0] is None:
            return
        yield (queue := row[0])


def _priorities(connection: BaseDatabaseWrapper, backend: str, queue: str) -> Iterator[int]:
    """Yield the priorities of the READY jobs of a queue, the highest first."""
    priority = 32767
    while row := _ask(
        connection, f"SELECT MAX(priority) {READY} AND queue = %s AND priority < %s", [backend, queue, priority]
    ):
        if row[0] is None:
            return
        yield (priority := row[0])


def _ask(connection: BaseDatabaseWrapper, statement: str, params: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone()
