"""orphans, rescue: jobs whose owner shows no sign of life. A rescue revokes exactly the claim that was judged."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.tasks import TaskResultStatus

from .. import sessions
from ..database import (
    alias,
    is_lock_of_sqlite,
    marks,
    moment,
    readable_sql,
    seconds_since_sql,
    take_write_lock,
    uuid_value,
    wait_for_writers,
)
from ..fence import Fence
from ..models import Job, Outcome, Worker
from ..points import reached
from .fail import Failure, crash

# Who waits longer to write to SQLite would act on what he judged before others could write their heartbeats.
_PATIENCE = 0.05
TABLE, WORKERS = Job._meta.db_table, Worker._meta.db_table


class Orphan(NamedTuple):
    """A running job whose worker has stopped, has a heartbeat older than its lease, or has no row at all (None).

    `lease_seconds` is how long that worker's leases are, which may be others than one's own; 0 when that is not known.
    """

    fence: Fence
    worker_id: str
    crashes: int
    heartbeat_at: datetime | None = None
    stopped: bool = False
    lease_seconds: float = 0.0


class Silent(NamedTuple):
    """A worker that has stopped, or of which nothing was heard for half its lease; dead if for a whole one."""

    heartbeat_at: datetime | None
    stopped: bool
    dead: bool
    lease_seconds: float


def silent_workers() -> dict[str, Silent]:
    """Return the workers that have stopped or may be dead, by their ids."""
    connection = connections[alias()]
    # A heartbeat from the future is no sign of life either: the database's clock was set back.
    age = f"ABS({seconds_since_sql(connection, 'heartbeat_at')})"
    heartbeat_at = readable_sql(connection, "heartbeat_at")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {heartbeat_at}, stopped_at IS NOT NULL, {age} > lease_seconds, lease_seconds "
            f"FROM {WORKERS} WHERE stopped_at IS NOT NULL OR {age} > lease_seconds / 2"
        )
        return {
            worker_id: Silent(moment(connection, heartbeat), bool(stopped), bool(stopped or dead), lease)
            for worker_id, heartbeat, stopped, dead, lease in cursor.fetchall()
        }


def orphans(
    backend: str, *, silent: dict[str, Silent] | None = None, unknown: bool = True, limit: int = 1000
) -> list[Orphan]:
    """Return the running jobs of a backend of which the database has no sign of life; a snapshot, to be judged.

    Every worker asks this again and again: it reads the rows of workers, unless it is told who is ``silent``, and of
    jobs only those of the dead. With ``unknown`` it also reads all running jobs, for those whose worker has no row.
    """
    connection = connections[alias()]
    silent = silent_workers() if silent is None else silent
    dead = {
        worker_id: (one.heartbeat_at, one.stopped, one.lease_seconds) for worker_id, one in silent.items() if one.dead
    }
    found = []
    if dead:
        found += _running(connection, backend, f"worker_id IN ({marks(dead)})", list(dead), limit)
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

    The sessions of its worker that may hold locks are ended first: should a process have frozen in a body or before its
    COMMIT, nobody has to wait for what it has written. A row that is locked nevertheless is left alone, for its owner
    may be committing: the next look will find it free. A worker whose heartbeat has moved is alive.
    """
    fence, connection = orphan.fence, connections[alias()]
    judged = Job.objects.using(connection.alias).running().filter(pk=fence.job_id, token=fence.token)
    workers = Worker.objects.using(connection.alias).filter(pk=orphan.worker_id)
    reached("rescue.before")
    worker = workers.first()
    if worker is not None and worker.heartbeat_at == orphan.heartbeat_at and judged.exists():
        pids = [worker.pid, *(e["pid"] for e in worker.executors if "pid" in e)]
        sessions.end(connection, worker.id, pids, seats=max((e.get("seats", 1) for e in worker.executors), default=1))
    try:
        with wait_for_writers(connection, _PATIENCE), transaction.atomic(using=connection.alias):
            take_write_lock(connection)
            skip = connection.features.has_select_for_update_skip_locked
            free = judged.select_for_update(skip_locked=skip).exists()
            reached("rescue.locked")
            worker = workers.first()
            if not free or (worker is not None and worker.heartbeat_at != orphan.heartbeat_at):
                return None
            status = crash(fence, _lost(orphan, again=orphan.crashes + 1 < max_crashes))
            reached("rescue.before-commit")
            return status
    except OperationalError as error:
        if not is_lock_of_sqlite(connection, error):
            raise
        return None


def _lost(orphan: Orphan, *, again: bool) -> Failure:
    if orphan.stopped:
        text = f"Worker {orphan.worker_id} stopped and left the job running."
    else:
        text = f"Worker {orphan.worker_id} gave no sign of life for longer than its lease."
    return Failure(Outcome.LOST, "jobqueue.errors.WorkerLost", text, 0.0 if again else None)
