"""prune: finished jobs go, in small batches. What was enqueued under a key stays known in the ledger, with its result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connections, transaction

from ..database import DatabaseNow, alias
from ..ledger import enqueue_scope, step_scope
from ..models import Attempt, Job, LedgerEntry, Worker


def prune(backend: str, *, older_than: timedelta, limit: int = 500) -> int:
    """Delete up to ``limit`` jobs of a backend that finished longer ago than that; return how many went."""
    skip = connections[alias()].features.has_select_for_update_skip_locked
    with transaction.atomic(using=alias()):
        old = Job.objects.using(alias()).filter(backend=backend, finished_at__lt=DatabaseNow() - older_than)
        jobs = list(old.order_by("finished_at").select_for_update(skip_locked=skip)[:limit])
        ids = [job.pk for job in jobs]
        for job in jobs:
            if job.idempotency_key is not None:
                LedgerEntry.objects.using(alias()).filter(
                    scope=enqueue_scope(job.task_path), key=job.idempotency_key
                ).update(value=snapshot(job))
        LedgerEntry.objects.using(alias()).filter(scope__in=[step_scope(pk) for pk in ids]).delete()
        Attempt.objects.using(alias()).filter(job_id__in=ids).delete()
        Job.objects.using(alias()).filter(pk__in=ids).delete()
    return len(ids)


def prune_workers(*, older_than: timedelta) -> int:
    """Delete the rows of workers that gave their last sign of life longer ago than that and own no running job."""
    owners = Job.objects.using(alias()).running().values("worker_id")
    gone = Worker.objects.using(alias()).filter(heartbeat_at__lt=DatabaseNow() - older_than)
    return gone.exclude(pk__in=owners).delete()[0]


def snapshot(job: Job) -> dict[str, Any]:
    """Return what the ledger keeps of a finished job: enough to answer a repeated enqueue with its result."""
    workers = Attempt.objects.using(alias()).filter(job_id=job.pk).exclude(outcome="released")
    return {
        "task_path": job.task_path,
        "backend": job.backend,
        "queue": job.queue,
        "priority": job.priority,
        "arguments": job.arguments,
        "status": job.status,
        "outcome": job.outcome,
        "result": job.result,
        "worker_ids": [*workers.values_list("worker_id", flat=True)] or [job.worker_id],
        **{
            name: value.isoformat() if (value := getattr(job, name)) else None
            for name in ("enqueued_at", "first_started_at", "started_at", "finished_at")
        },
    }
