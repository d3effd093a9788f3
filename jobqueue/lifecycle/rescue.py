"""orphans, rescue: jobs whose owner shows no sign of life. A rescue revokes exactly the claim that was judged."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import connections, transaction
from django.tasks import TaskResultStatus

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
        worker = workers.get(worker_id)
        assert token is not None
        fence = Fence(job_id, attempt, token)
        if worker is None:
            found.append(Orphan(fence, worker_id, crashes))
        elif worker.stopped_at or (worker.now - worker.heartbeat_at).total_seconds() > worker.lease_seconds:
            found.append(Orphan(fence, worker_id, crashes, worker.heartbeat_at, worker.stopped_at is not None))
    return found[:limit]


def rescue(orphan: Orphan, *, max_crashes: int) -> TaskResultStatus | None:
    """RUNNING → READY, or FAILED when the crash budget is spent; None when what was judged is so no more.

    A row that someone holds locked is left alone: its owner may be committing. A worker whose heartbeat has moved since
    is alive.
    """
    fence, connection = orphan.fence, connections[alias()]
    with transaction.atomic(using=connection.alias):
        take_write_lock(connection)
        skip = connection.features.has_select_for_update_skip_locked
        judged = Job.objects.using(connection.alias).running().filter(pk=fence.job_id, token=fence.token)
        if not judged.select_for_update(skip_locked=skip).exists() or _lives(orphan):
            return None
        return crash(
            fence,
            Failure(
                Outcome.LOST,
                "jobqueue.errors.WorkerLost",
                f"Worker {orphan.worker_id} stopped and left the job running."
                if orphan.stopped
                else f"Worker {orphan.worker_id} gave no sign of life for longer than its lease.",
                retry_in=0 if orphan.crashes + 1 < max_crashes else None,
            ),
        )


def _lives(orphan: Orphan) -> bool:
    worker = Worker.objects.using(alias()).filter(pk=orphan.worker_id).only("heartbeat_at").first()
    return worker is not None and worker.heartbeat_at != orphan.heartbeat_at
