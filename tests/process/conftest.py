"""Fixtures for tests with real workers and real signals."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection

from jobqueue.leases import leases_of, wake_of
from jobqueue.models import Job
from tests.process.slow_jobs import SlowJob
from tests.processes import WorkerProcess
from tests.redis_server import OwnRedis

# A file has no server that could hang up.
collect_ignore = ["test_a_lost_connection_needs_no_restart.py"] if connection.vendor == "sqlite" else []


@pytest.fixture
def enqueue(start_worker: Any, tmp_path: Path) -> Generator[Callable[..., SlowJob]]:
    """Give `enqueue(task, *arguments, backend=…)`; in the end all its jobs are let go, so that no worker is kept."""
    jobs: list[SlowJob] = []

    def enqueue(task: Any, *arguments: Any, backend: str) -> SlowJob:
        jobs.append(SlowJob(task, tmp_path / f"{task.name}-{len(jobs)}", *arguments, backend=backend))
        return jobs[-1]

    yield enqueue
    for job in jobs:
        job.let_go()


@pytest.fixture
def enqueue_some(backend_alias: str, tmp_path: Path) -> Callable[..., tuple[Job, str]]:
    """Give `enqueue_some(task, *arguments)`: a job and the file it notes things in."""

    def enqueue_some(task: Any, *arguments: Any) -> tuple[Job, str]:
        file = tmp_path / f"{task.name}-{len(list(tmp_path.iterdir()))}"
        file.touch()
        result = task.using(backend=backend_alias).enqueue(str(file), *arguments)
        return Job.objects.get(pk=result.id), str(file)

    return enqueue_some


@pytest.fixture
def start_on(start_worker: Callable[..., WorkerProcess]) -> Callable[..., WorkerProcess]:
    """Give `start_on(backend, *arguments, concurrency=…, grace=…)`: a worker with little patience."""

    def start(
        backend: str, *arguments: str, concurrency: int = 1, grace: float = 1.0, env: dict[str, str] | None = None
    ) -> WorkerProcess:
        flags = ["--backend", backend, "--concurrency", str(concurrency), "--grace", str(grace), "--no-reload"]
        return start_worker(*flags, *arguments, env=env)

    return start


@pytest.fixture
def redis(own_redis: OwnRedis, settings: LazySettings) -> Generator[OwnRedis]:
    """Give the test and its backend "default" a Redis that may come to harm."""
    caches = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": own_redis.url}}
    settings.CACHES = caches
    _forget_connections()
    yield own_redis
    _forget_connections()


def _forget_connections() -> None:
    leases_of.cache_clear()
    wake_of.cache_clear()
