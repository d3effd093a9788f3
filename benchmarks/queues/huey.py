"""huey on Redis. The consumer is started with this module's `huey`."""

from __future__ import annotations

import os
from typing import Any

import django
from huey import RedisHuey

from .. import bodies

django.setup()
huey = RedisHuey("bench", url=os.environ["REDIS_URL"])
TASKS = {name: huey.task(name=name)(body) for name, body in bodies.BODIES.items()}


def enqueue(name: str, *args: Any) -> None:
    """Enqueue one job."""
    TASKS[name](*args)


def forget() -> None:
    """Remove all jobs."""
    huey.flush()
