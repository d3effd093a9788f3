"""orphans, rescue: jobs whose owner shows no sign of life. A rescue revokes exactly the claim that was judged."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connections, transaction
from django.tasks import TaskResultStatus

from .. import sessions
from ..database import DatabaseNow, alias, take_write_lock
from ..fence import Fence
from ..models import Job, Outcome, Worker
from .fail import Failure, crash


class Orphan(NamedTuple):
    """A running job whose worker has stopped, has a heartbeat older than its lease, or has no row at all (None)."""

    fence: Fence
    worker_id: str
    crashes: int
    heartbeat_at: datetime | None = None
    stopped: bool = False


def orphans(backend: str, *, limit: int = 1000) -> list[Orphan]:
    """Return the running jobs of a backend of which the database has no sign of life; a snapshot, to be judged."""
    running = Job.objects.using(alias()).running().filter(backend=backend)
    # Jobs before workers: a worker's row is there before it claims, so no owner of these can be missed.
    jobs = sorted(running.order_by().values_list("id", "attempt", "token", "worker_id", "crashes"))
    workers = {
        worker.id: worker
        for worker in Worker.objects.using(alias())
        .filter(pk__in={worker_id for *_, worker_id, _ in jobs})
        .annotate(now=DatabaseNow())
        .defer("executors", "queues")
    }
    found = []
    for job_id, attempt, token, worker_id, crashes in jobs:
        if token is None:
            continue  # No verb leaves such a row; one that a hand has made must not keep the others from being rescued.
        worker = workers.get(worker_id)
        fence = Fence(job_id, attempt, token)
        if worker is None:
            found.append(Orphan(fence, worker_id, crashes))
        # A heartbeat from the future is no sign of life either: the database's clock was set back.
        elif worker.stopped_at or abs((worker.now - worker.heartbeat_at).total_seconds()) > worker.lease_seconds:
            found.append(Orphan(fence, worker_id, crashes, worker.heartbeat_at, worker.stopped_at is not None))
    return found[:limit]


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
