"""orphans, rescue: jobs whose owner shows no sign of life. A rescue revokes exactly the claim that was judged."""

from __future__ import annotations

from typing import NamedTuple

from django.db import connections, transaction
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias
from ..fence import Fence
from ..models import Job, Outcome, Worker
from .fail import Failure, crash


class Orphan(NamedTuple):
    """A running job whose worker's heartbeat is older than its lease, or whose worker has no row at all."""

    fence: Fence
    worker_id: str
    crashes: int


def orphans(backend: str, *, limit: int = 1000) -> list[Orphan]:
    """Return the running jobs of a backend of which the database has no sign of life; a snapshot, to be judged."""
    rows = Worker.objects.using(alias()).annotate(now=DatabaseNow())
    alive = [
        worker.id for worker in rows if (worker.now - worker.heartbeat_at).total_seconds() <= worker.lease_seconds
    ]
    jobs = Job.objects.using(alias()).running().filter(backend=backend).exclude(worker_id__in=alive)
    return [
        Orphan(Fence(job_id, attempt, token), worker_id, crashes)
        for job_id, attempt, token, worker_id, crashes in jobs.order_by("id").values_list(
            "id", "attempt", "token", "worker_id", "crashes"
        )[:limit]
    ]


def rescue(orphan: Orphan, *, max_crashes: int) -> TaskResultStatus | None:
    """RUNNING → READY, or FAILED when the crash budget is spent; None when the judged claim is no more.

    A row that someone holds locked is left alone: its owner may be committing.
    """
    fence = orphan.fence
    skip = connections[alias()].features.has_select_for_update_skip_locked
    with transaction.atomic(using=alias()):
        judged = Job.objects.using(alias()).running().filter(pk=fence.job_id, token=fence.token)
        if not judged.select_for_update(skip_locked=skip).exists():
            return None
        return crash(
            fence,
            Failure(
                Outcome.LOST,
                "jobqueue.errors.WorkerLost",
                f"Worker {orphan.worker_id} gave no sign of life for longer than its lease.",
                retry_in=0 if orphan.crashes + 1 < max_crashes else None,
            ),
        )
