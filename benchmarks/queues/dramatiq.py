"""dramatiq on Redis."""

from __future__ import annotations

import os
from typing import Any

import django
import dramatiq
from dramatiq.brokers.redis import RedisBroker

from .. import bodies

django.setup()
dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"], namespace="bench-dramatiq"))
TASKS = {name: dramatiq.actor(actor_name=name)(body) for name, body in bodies.BODIES.items()}


def enqueue(name: str, *args: Any) -> None:
    """Enqueue one job."""
    TASKS[name].send(*args)


def forget() -> None:
    """Remove all jobs."""
    dramatiq.get_broker().flush_all()
