"""Rows as workers leave them, and people who look at them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.tasks import task_backends
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobqueue import task
from jobqueue.admin import tasks as admin_tasks
from jobqueue.backend import JobQueueBackend
from jobqueue.models import Attempt, Job, TaskDefinition, Worker
from jobqueue.planning import declare
from tests.app import tasks

JOBS = "admin:jobqueue_job_changelist"


def ago(seconds: float) -> Any:
    """Return the moment that many seconds ago."""
    return timezone.now() - timedelta(seconds=seconds)


def make_job(status: str = "READY", *, task: str = tasks.echo.module_path, since: float = 60, **columns: Any) -> Job:
    """Create a job, enqueued that many seconds ago and, if it was claimed, claimed ten seconds later."""
    values: dict[str, Any] = {
        "backend": "default",
        "queue": "default",
        "arguments": {"args": [1], "kwargs": {}},
        "enqueued_at": ago(since),
        "due_at": ago(since),
    }
    if status in ("RUNNING", "SUCCESSFUL", "FAILED"):
        claimed = ago(since - 10)
        values |= {"attempt": 1, "worker_id": "w-1", "first_started_at": claimed, "started_at": claimed}
    if status in ("RUNNING", "SUCCESSFUL"):
        values["token"] = uuid.uuid4()
    if status in ("SUCCESSFUL", "FAILED"):
        values |= {"finished_at": ago(since - 15), "outcome": "ok" if status == "SUCCESSFUL" else "raised"}
    return Job.objects.create(task_path=task, status=status, **(values | columns))


def make_attempt(job: Job, number: int = 1, **columns: Any) -> Attempt:
    """Create the record of a claim of a job."""
    values = {"token": job.token or uuid.uuid4(), "worker_id": "w-1", "pid": 4242}
    return Attempt.objects.create(job_id=job.pk, number=number, **(values | columns))


def make_worker(name: str = "w-1", *, beat: float = 1, **columns: Any) -> Worker:
    """Create a worker with a lease of 30 seconds whose heartbeat is that many seconds old."""
    values: dict[str, Any] = {
        "name": name,
        "hostname": "host-7",
        "pid": 77,
        "backend": "default",
        "queues": ["default"],
        "concurrency": 4,
        "seats": 4,
        "lease_seconds": 30,
        "started_at": ago(3600),
        "heartbeat_at": ago(beat),
    }
    return Worker.objects.create(pk=name, **(values | columns))


def make_definition(path: str = tasks.echo.module_path, **columns: Any) -> TaskDefinition:
    """Create what workers have declared of a task, a second ago."""
    values = {"backend": "default", "queue": "default", "priority": 0, "effects": "atomic", "max_attempts": 3}
    return TaskDefinition.objects.create(path=path, **({**values, "synced_at": ago(1)} | columns))


def page_of(row: Any) -> str:
    """Return the address of a row's page."""
    return reverse(f"admin:jobqueue_{row._meta.model_name}_change", args=[row.pk])


@pytest.fixture
def staff(db: None, client: Client) -> Callable[..., Client]:
    """Give `staff(*permissions)`: a browser in which someone with just these permissions is signed in."""

    def sign_in(*permissions: str) -> Client:
        user = User.objects.create_user("someone", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def nothing_discovered(monkeypatch: pytest.MonkeyPatch) -> Generator[Callable[..., None]]:
    """Give `nothing_discovered(finds=…)`: be a process that has not looked for tasks yet, and what it finds then."""
    admin_tasks.task_paths()
    monkeypatch.setattr(task, "_registry", dict(task._registry))
    monkeypatch.setattr(declare, "_declared", {})

    def be(*, finds: Callable[[], None]) -> None:
        monkeypatch.setattr(admin_tasks, "discover", finds)
        admin_tasks._discover_once.cache_clear()

    yield be
    monkeypatch.undo()
    admin_tasks._discover_once.cache_clear()


@pytest.fixture
def gone_backend(settings: Any) -> Generator[str]:
    """Give the alias of a backend whose Redis cannot be reached."""
    settings.CACHES = settings.CACHES | {
        "gone": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    options = {"REDIS": "gone", "LEASE_SECONDS": 2, "KEY_PREFIX": f"{settings.KEY_PREFIX}:gone"}
    task_backends["gone"] = JobQueueBackend("gone", {"QUEUES": [], "OPTIONS": options})
    yield "gone"
    del task_backends["gone"]
