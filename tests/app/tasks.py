"""The tasks that tests enqueue."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from django.db.models import F
from django.tasks import task

from jobqueue import current_job, schedule

# Where workers look for tasks, they find these too.
from tests.app import abroad_tasks as abroad_tasks
from tests.app import careless_tasks as careless_tasks
from tests.app import changing_tasks as changing_tasks
from tests.app import crash_tasks as crash_tasks
from tests.app import database_fault_tasks as database_fault_tasks
from tests.app import effect_tasks as effect_tasks
from tests.app import fault_tasks as fault_tasks
from tests.app import limited_tasks as limited_tasks
from tests.app import logging_tasks as logging_tasks
from tests.app import many_tasks as many_tasks
from tests.app import outbox_tasks as outbox_tasks
from tests.app import process_fault_tasks as process_fault_tasks
from tests.app import slow_tasks as slow_tasks
from tests.app import unique_tasks as unique_tasks
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
def total(counter_id: int) -> int:
    """Add up what the jobs have returned for which this one has waited, into a counter."""
    values = current_job().results
    Counter.objects.filter(pk=counter_id).update(value=F("value") + sum(values))
    return len(values)


@task
async def aecho(value: Any, seconds: float = 0) -> Any:
    """Return what it was given, as a coroutine."""
    await asyncio.sleep(seconds)
    return value


@task
async def aadd(counter_id: int) -> None:
    """Raise a counter through the asynchronous ORM."""
    await Counter.objects.filter(pk=counter_id).aupdate(value=F("value") + 1)


# Only in workers that are told to: a schedule of each worker would be one more thing that goes on in every test.
if name := os.environ.get("JOBQUEUE_TEST_SCHEDULE"):
    schedule(name, echo, every=3600, args=["x"])


@task(tags=("report", "nightly"))
def with_tags() -> None:
    """Be found by two words."""
