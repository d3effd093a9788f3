"""Rows as the verbs make them, for tests that need no worker."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.database import clock, connection
from jobqueue.fence import Fence
from jobqueue.lifecycle import Claim, Failure
from jobqueue.models import Job, Outcome, Schedule, Worker
from tests.app import tasks
from tests.waiting import wait_until

PATHS = [getattr(tasks, name).module_path for name in ("add", "boom", "echo")]
FAILED_FOR_GOOD = Failure(Outcome.RAISED, "builtins.ValueError", "ValueError: no", None)
FAILED_FOR_NOW = Failure(Outcome.RAISED, "builtins.ValueError", "ValueError: no", 0.0)
CRASHED_FOR_NOW = Failure(Outcome.CRASHED, "jobqueue.errors.JobCrashed", "killed", 0.0)


def let_time_pass() -> None:
    """Wait until the database's clock shows another moment; that of SQLite shows milliseconds."""
    before = clock(connection())
    wait_until(lambda: clock(connection()) > before, every=0.0005)


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
    return lifecycle.claim(connection(), backend="default", queue=queue, paths=paths, worker_id=worker_id, limit=limit)


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
        seats=1,
        lease_seconds=lease,
        started_at=now - timedelta(seconds=beat_ago),
        heartbeat_at=now - timedelta(seconds=beat_ago),
        stopped_at=now if stopped else None,
    )


def schedule(
    name: str = "nightly", task: Any = tasks.echo, *args: Any, late: float | None = None, **columns: Any
) -> Any:
    """Create a schedule; one that is ``late`` has been due for so many seconds."""
    rhythm = {} if {"cron", "every"} & set(columns) else {"every": 3600}
    called = {"args": list(args or ("x",)), "kwargs": {}}
    made = Schedule(**{"name": name, "task_path": task.module_path, "arguments": called, **rhythm, **columns})
    made.save()
    if late is not None:
        since = timezone.now() - timedelta(seconds=late)
        # It began a whole number of its periods before the tick for which it is late.
        begin = {} if made.every is None else {"starts_at": since - timedelta(seconds=made.every)}
        Schedule.objects.filter(pk=made.pk).update(next_at=since, **begin)
        made.refresh_from_db()
    return made


def forged(fence: Fence) -> Fence:
    """Return the fence of an owner that the job does not have: the same job and number under another token."""
    return fence._replace(token=uuid.uuid4())
