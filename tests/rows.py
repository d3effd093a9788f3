"""Rows as the verbs make them, for tests that need no worker."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.fence import Fence
from jobqueue.lifecycle import Claim, Failure
from jobqueue.models import Job, Outcome, Worker
from tests.app import tasks

PATHS = [getattr(tasks, name).module_path for name in ("add", "boom", "echo")]
FAILED_FOR_GOOD = Failure(Outcome.RAISED, "builtins.ValueError", "ValueError: no", None)
FAILED_FOR_NOW = Failure(Outcome.RAISED, "builtins.ValueError", "ValueError: no", 0.0)
CRASHED_FOR_NOW = Failure(Outcome.CRASHED, "jobqueue.errors.JobCrashed", "killed", 0.0)


def arguments(*args: Any, **kwargs: Any) -> str:
    """Return the arguments of a call as a backend stores them."""
    return json.dumps({"args": args, "kwargs": kwargs})


def enqueue(task: Any = tasks.echo, *args: Any, **using: Any) -> uuid.UUID:
    """Create one job and return its id."""
    created = lifecycle.create(task.using(**using), arguments(*args))
    assert isinstance(created, lifecycle.Created)
    return created.job_id


def claim(worker_id: str = "w-1", *, limit: int = 1, queue: str = "default", paths: Any = PATHS) -> list[Claim]:
    """Claim up to that many jobs."""
    return lifecycle.claim(connection, backend="default", queue=queue, paths=paths, worker_id=worker_id, limit=limit)


def claimed(worker_id: str = "w-1", task: Any = tasks.echo, **using: Any) -> Claim:
    """Create one job and claim it."""
    job_id = enqueue(task, **using)
    (claim_,) = claim(worker_id, queue=using.get("queue_name", "default"))
    assert claim_.job_id == job_id
    return claim_


def job(job_id: uuid.UUID) -> Job:
    """Return the row of a job as it is now."""
    return Job.objects.get(pk=job_id)


def everything(job_id: uuid.UUID) -> dict[str, Any] | None:
    """Return all columns of a job, None when it is not there."""
    return Job.objects.filter(pk=job_id).values().first()


def worker(worker_id: str = "w-1", *, beat_ago: float = 0.0, lease: float = 2.0, stopped: bool = False) -> Worker:
    """Create the row of a worker whose heartbeat is that many seconds old."""
    now = timezone.now()
    return Worker.objects.create(
        id=worker_id,
        name=worker_id,
        hostname="test",
        pid=1,
        backend="default",
        queues=[],
        concurrency=1,
        lease_seconds=lease,
        started_at=now - timedelta(seconds=beat_ago),
        heartbeat_at=now - timedelta(seconds=beat_ago),
        stopped_at=now if stopped else None,
    )


def forged(fence: Fence) -> Fence:
    """Return the fence of an owner that the job does not have: the same job and number under another token."""
    return fence._replace(token=uuid.uuid4())
