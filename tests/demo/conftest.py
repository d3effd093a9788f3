"""What the demo's tests share: the demo's own settings where they differ from the suite's, and rows of workers."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections
from django.tasks import TaskResultStatus

from jobqueue.database import DatabaseNow
from jobqueue.models import Job, Worker
from project.counters.models import Counter


@pytest.fixture
def counter(db: None) -> Counter:
    """Give the counter of the page."""
    return Counter.shown()


@pytest.fixture
def make_worker(db: None) -> Callable[..., Worker]:
    """Give `make_worker(**values)`: the row of a worker on this host, alive by its heartbeat."""

    def make(**values: Any) -> Worker:
        row = {
            "id": f"demo-{uuid4().hex[:8]}",
            "name": "demo",
            "hostname": socket.gethostname(),
            "pid": os.getpid(),
            "backend": "default",
            "concurrency": 1,
            "seats": 1,
            "lease_seconds": 5,
            "executors": [],
            "started_at": DatabaseNow(),
            "heartbeat_at": DatabaseNow(),
        }
        return Worker.objects.create(**(row | values))

    return make


@pytest.fixture
def run_by(counter: Counter) -> Callable[..., UUID]:
    """Give `run_by(worker)`: the id of a job that the worker with that row has claimed."""

    def claim(worker: Worker) -> UUID:
        from project.counters.tasks import count_slowly

        job_id = UUID(count_slowly.enqueue(counter.pk).id)
        Job.objects.filter(pk=job_id).update(
            status=TaskResultStatus.RUNNING, worker_id=worker.pk, attempt=1, token=uuid4(), started_at=DatabaseNow()
        )
        return job_id

    return claim


@pytest.fixture
def other_connection() -> Callable[..., Any]:
    """Give `other_connection(call)`: the answer of a call that looks at the database as another process would."""

    def ask(call: Callable[[], Any]) -> Any:
        def run() -> Any:
            try:
                return call()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run).result(timeout=30)

    return ask
