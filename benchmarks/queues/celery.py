"""celery on Redis, with late acknowledgement: without it, a worker that dies loses what it was running."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

from .. import bodies

app = Celery("bench", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_default_queue="bench-celery",
    broker_connection_retry_on_startup=True,
)
TASKS = {name: app.task(name=f"bench.{name}")(body) for name, body in bodies.BODIES.items()}


def enqueue(name: str, *args: Any) -> None:
    """Enqueue one job."""
    TASKS[name].delay(*args)


def forget() -> None:
    """Remove all jobs."""
    app.control.purge()
