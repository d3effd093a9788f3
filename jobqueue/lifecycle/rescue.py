"""orphans, rescue: jobs whose owner shows no sign of life. A rescue revokes exactly the claim that was judged."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connections, transaction
from django.tasks import TaskResultStatus

from .. import sessions
from ..database import alias, moment, seconds_since_sql, take_write_lock, uuid_value
from ..fence import Fence
from ..models import Job, Outcome, Worker
from .fail import Failure, crash

TABLE = Job._meta.db_table


class Orphan(NamedTuple):
    """A running job whose worker has stopped, has a heartbeat older than its lease, or has no row at all (None)."""

    fence: Fence
    worker_id: str
    crashes: int
    heartbeat_at: datetime | None = None
    stopped: bool = False


def orphans(backend: str, *, limit: int = 1000) -> list[Orphan]:
    """Return the running jobs of a backend of which the database has no sign of life; a snapshot, to be judged.

    Every worker asks this again and again, and nearly all jobs are those of the living: the database leaves them out.
    """
    connection = connections[alias()]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT job.id, job.attempt, job.token, job.worker_id, job.crashes, worker.heartbeat_at, worker.stopped_at "
            f"FROM {TABLE} job LEFT JOIN {Worker._meta.db_table} worker ON worker.id = job.worker_id "
            # A row without a token no verb leaves; one that a hand has made must not keep others from being rescued.
            "WHERE job.status = 'RUNNING' AND job.backend = %s AND job.token IS NOT NULL "
            "AND (worker.id IS NULL OR worker.stopped_at IS NOT NULL "
            # A heartbeat from the future is no sign of life either: the database's clock was set back.
            f"OR ABS({seconds_since_sql(connection, 'worker.heartbeat_at')}) > worker.lease_seconds) "
            "ORDER BY job.id LIMIT %s",
            [backend, limit],
        )
        rows = cursor.fetchall()
    return [
        Orphan(
            Fence(uuid_value(job_id), attempt, uuid_value(token)),
            worker_id,
            crashes,
            moment(connection, heartbeat_at),
            stopped_at is not None,
        )
        for job_id, attempt, token, worker_id, crashes, heartbeat_at, stopped_at in rows
    ]


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
