"""What the processes of the sweep do. Each is the real code, called as others would."""

from __future__ import annotations

import dataclasses
import os
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.db import transaction
from django.tasks import task_backends

from jobqueue import lifecycle, mishaps, operations, sessions
from jobqueue.models import Job
from jobqueue.task import discover
from jobqueue.worker.executor.conscience import Conscience
from jobqueue.worker.timekeeper import Timekeeper
from tests.app.fault_tasks import write
from tests.app.models import Entry

# Who freezes in an open transaction keeps its row from others for so long.
_FROZEN_COMMIT_SECONDS = 1


def learn() -> None:
    """Load, in the nursery, what all need."""
    discover()
    sessions.COMMIT_SECONDS = _FROZEN_COMMIT_SECONDS
    # It would end an executor that is thawed before that can write; here the database is to refuse what it writes.
    Conscience.run = lambda _: None  # type: ignore[method-assign]


def do(deed: str, arguments: list[Any]) -> None:
    """Do one of the deeds below, and meanwhile as JOBQUEUE_POINT says."""
    # The app did so when the nursery loaded it, when nothing was said yet.
    mishaps.obey(os.environ.get(mishaps.VARIABLE))
    globals()[deed](*arguments)


def work(lease: float, backend: str, *arguments: str) -> None:
    """Be a worker."""
    used: Any = task_backends[backend]
    used.settings = dataclasses.replace(used.settings, lease_seconds=lease)
    call_command("runworkers", "--backend", backend, *arguments)


def enqueue(backend: str, key: str) -> None:
    """Enqueue a job under a key, in one transaction with a line of the caller's own."""
    with transaction.atomic():
        Entry.objects.create(note=key)
        write.using(backend=backend, idempotency_key=key).enqueue()


def enqueue_alone(backend: str, _key: str) -> None:
    """Enqueue a job with nothing around it."""
    write.using(backend=backend).enqueue()


def enqueue_behind(backend: str, key: str) -> None:
    """Enqueue a job and another that waits for it, in one transaction with a line of the caller's own."""
    with transaction.atomic():
        Entry.objects.create(note=key)
        first = write.using(backend=backend).enqueue()
        write.using(backend=backend, after=[first]).enqueue()


def enqueue_many(backend: str, key: str) -> None:
    """Enqueue several jobs at once, in one transaction with a line of the caller's own."""
    with transaction.atomic():
        Entry.objects.create(note=key)
        tasks: Any = write.using(backend=backend)
        tasks.enqueue_many([((), {})] * 3)


def enqueue_under_keys(backend: str, key: str) -> None:
    """Enqueue several jobs under keys at once, in one transaction with a line of the caller's own."""
    with transaction.atomic():
        Entry.objects.create(note=key)
        tasks: Any = write.using(backend=backend)
        tasks.enqueue_many([((), {}, {"idempotency_key": f"{key} {number}"}) for number in (2, 1)])


def cancel(job_id: str) -> None:
    """Cancel a job."""
    lifecycle.cancel(UUID(job_id), by="somebody")


def retry(job_id: str) -> None:
    """Let a failed job be attempted again."""
    lifecycle.retry(UUID(job_id))


def cancel_all(*job_ids: str) -> None:
    """Cancel jobs, as the admin and `manage.py jobs` do with many."""
    operations.cancel(Job.objects.filter(pk__in=job_ids))


def retry_all(*job_ids: str) -> None:
    """Let failed jobs be attempted again, as the admin and `manage.py jobs` do with many."""
    operations.retry(Job.objects.filter(pk__in=job_ids))


def decide(job_id: str) -> None:
    """Say that what a job delivers was not delivered."""
    lifecycle.do_again(UUID(job_id))


def prune(backend: str) -> None:
    """Delete what is finished, and the rows of workers that are gone."""
    lifecycle.prune(backend, older_than=timedelta(0))
    lifecycle.prune_workers(older_than=timedelta(0))


def tick() -> None:
    """Have what is due by schedule happen, as the keeper of a worker does."""
    Timekeeper(woken=lambda: None).look(at_most=1.0)
