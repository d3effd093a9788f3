"""Tasks for tests that break databases: each leaves lines to be counted, and is tried again at once."""

from __future__ import annotations

import time
from contextlib import suppress

from django.db import DatabaseError, connection
from django.db.models import F
from django.tasks import TaskResult, task

from jobqueue import current_job, once
from tests.app.fault_tasks import leave, leaves, say
from tests.app.models import Counter


def at_once(_error: BaseException, _result: TaskResult) -> float:
    """Let the next attempt begin without a delay."""
    return 0.0


@leaves("first", "second")
@task(max_attempts=100, backoff=at_once)
def write_twice() -> str:
    """Leave two lines in the transaction of the body."""
    leave("first")
    leave("second")
    return str(current_job().id)


@leaves("first", "second")
@task(effects="steps", max_attempts=100, backoff=at_once)
def step_twice(seconds: float = 0.0) -> str:
    """Leave a line in each of two steps, and take so long between them."""
    say("start")
    once("first", leave, "first")
    time.sleep(seconds)
    once("second", leave, "second")
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=at_once)
def raise_first() -> str:
    """Leave a line, and raise in the first attempt."""
    leave("line")
    if current_job().attempt == 1:
        raise ValueError("the first attempt")
    return str(current_job().id)


@leaves("line")
@task(max_attempts=1)
def raise_always() -> str:
    """Leave a line, and raise."""
    leave("line")
    raise ValueError("always")


@leaves()
@task(max_attempts=100, backoff=at_once)
def value() -> str:
    """Ask the database nothing."""
    return str(current_job().id)


def add_one(counter_id: int) -> None:
    """Raise a counter in one statement."""
    Counter.objects.filter(pk=counter_id).update(value=F("value") + 1)


@leaves()
@task(max_attempts=1000, backoff=at_once)
def raise_both(first: int, second: int) -> str:
    """Raise two counters: who is given them in the other order deadlocks with this."""
    add_one(first)
    time.sleep(0.05)
    add_one(second)
    return str(current_job().id)


@leaves()
@task(max_attempts=1000, backoff=at_once)
def raise_both_and_swallow(first: int, second: int) -> str:
    """Raise two counters, and make nothing of what goes wrong."""
    with suppress(DatabaseError):
        raise_both.func(first, second)
    return str(current_job().id)


@leaves()
@task(max_attempts=1000, backoff=at_once)
def read_and_write(counter_id: int) -> str:
    """Raise a counter as is wrong unless the database lets no two do that at once."""
    value = Counter.objects.get(pk=counter_id).value
    time.sleep(0.02)
    Counter.objects.filter(pk=counter_id).update(value=value + 1)
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=at_once)
def dawdle_first(statement: str) -> str:
    """Leave a line; in the first attempt also take longer than an administrator allows, in a statement or between."""
    leave("line")
    if current_job().attempt == 1:
        if statement:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        else:
            time.sleep(3)
    return str(current_job().id)
