"""orphans, rescue: jobs whose owner shows no sign of life. A rescue revokes exactly the claim that was judged."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.tasks import TaskResultStatus

from .. import sessions
from ..database import alias, moment, seconds_since_sql, take_write_lock, uuid_value
from ..fence import Fence
from ..models import Job, Outcome, Worker
from .fail import Failure, crash

TABLE, WORKERS = Job._meta.db_table, Worker._meta.db_table


class Orphan(NamedTuple):
    """A running job whose worker has stopped, has a heartbeat older than its lease, or has no row at all (None)."""

    fence: Fence
    worker_id: str
    crashes: int
    heartbeat_at: datetime | None = None
    stopped: bool = False


def orphans(backend: str, *, unknown: bool = True, limit: int = 1000) -> list[Orphan]:
    """Return the running jobs of a backend of which the database has no sign of life; a snapshot, to be judged.

    Every worker asks this again and again: it reads the rows of workers, and of jobs only those of the dead. With
    ``unknown`` it also reads all running jobs, for those whose worker has no row at all.
    """
    connection = connections[alias()]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, heartbeat_at, stopped_at FROM {WORKERS} WHERE stopped_at IS NOT NULL "
            # A heartbeat from the future is no sign of life either: the database's clock was set back.
            f"OR ABS({seconds_since_sql(connection, 'heartbeat_at')}) > lease_seconds"
        )
        dead = {row[0]: (moment(connection, row[1]), row[2] is not None) for row in cursor.fetchall()}
    found = []
    if dead:
        found += _running(connection, backend, f"worker_id IN ({', '.join(['%s'] * len(dead))})", list(dead), limit)
    if unknown:
        found += _running(
            connection, backend, f"NOT EXISTS (SELECT 1 FROM {WORKERS} WHERE {WORKERS}.id = worker_id)", [], limit
        )
    return [
        Orphan(Fence(uuid_value(job_id), attempt, uuid_value(token)), worker_id, crashes, *dead.get(worker_id, ()))
        for job_id, attempt, token, worker_id, crashes in sorted(found)[:limit]
    ]


def _running(
    connection: BaseDatabaseWrapper, backend: str, condition: str, params: list[str], limit: int
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, attempt, token, worker_id, crashes FROM {TABLE} "
            # A row without a token no verb leaves; one that a hand has made must not keep others from being rescued.
            f"WHERE status = 'RUNNING' AND backend = %s AND token IS NOT NULL AND {condition} ORDER BY id LIMIT %s",
            [backend, *params, limit],
        )
        return list(cursor.fetchall())


def rescue(orphan: Orphan, *, max_crashes: int) -> TaskResultStatus | None:
    """RUNNING → READY, or FAILED when the crash budget is spent; None when what was judged is so no more, or locked.

    A row that someone holds locked is left alone: its owner may be committing. Should it have frozen before its COMMIT,
    its session is ended, and the next look will find the row free. A worker whose heartbeat has moved is alive.
    """
    fence, connection = orphan.fence, connections[alias()]
    judged = Job.objects.using(connection.alias).running().filter(pk=fence.job_id, token=fence.token)
    with transaction.atomic(using=connection.alias):
        take_write_lock(connection)
        skip = connection.features.has_select_for_update_skip_locked
        free = judged.select_for_update(skip_locked=skip).exists()
        worker = Worker.objects.using(connection.alias).filter(pk=orphan.worker_id).first()
        if worker is not None and worker.heartbeat_at != orphan.heartbeat_at:
            return None
        if free:
            return crash(fence, _lost(orphan, again=orphan.crashes + 1 < max_crashes))
    if worker is not None and judged.exists():
        sessions.end(
            connection,
            worker.id,
            [worker.pid, *(executor["pid"] for executor in worker.executors if "pid" in executor)],
        )
    return None


def _lost(orphan: Orphan, *, again: bool) -> Failure:
    if orphan.stopped:
        text = f"Worker {orphan.worker_id} stopped and left the job running."
    else:
        text = f"Worker {orphan.worker_id} gave no sign of life for longer than its lease."
    return Failure(Outcome.LOST, "jobqueue.errors.WorkerLost", text, 0.0 if again else None)
