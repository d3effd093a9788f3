"""The tasks that tests enqueue."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from django.db.models import F
from django.tasks import task

# Where workers look for tasks, they find these too.
from tests.app import effect_tasks as effect_tasks
from tests.app import slow_tasks as slow_tasks
from tests.app.models import Counter


@task
def add(counter_id: int, amount: int = 1) -> None:
    """Raise a counter in one statement."""
    Counter.objects.filter(pk=counter_id).update(value=F("value") + amount)


@task
def boom(message: str = "boom") -> None:
    """Fail."""
    raise ValueError(message)


@task
def echo(value: Any) -> Any:
    """Return what it was given, and touch nothing."""
    return value


@task
def sleepy(counter_id: int, seconds: float) -> None:
    """Take that long, then raise a counter."""
    time.sleep(seconds)
    Counter.objects.filter(pk=counter_id).update(value=F("value") + 1)


@task
async def aecho(value: Any, seconds: float = 0) -> Any:
    """Return what it was given, as a coroutine."""
    await asyncio.sleep(seconds)
    return value


@task
async def aadd(counter_id: int) -> None:
    """Raise a counter through the asynchronous ORM."""
    await Counter.objects.filter(pk=counter_id).aupdate(value=F("value") + 1)
