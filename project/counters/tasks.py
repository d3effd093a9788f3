"""The jobs of the demo. Each adds to a counter, so that running twice, or not at all, would be seen."""

from __future__ import annotations

import os
import time

from django.db.models import F
from django.tasks import TaskResult, task

from jobqueue import current_job, once

from .models import Counter

STEPS = 20
STEP_SECONDS = 1.0
FAILS = 2


def _raise(counter_id: int) -> None:
    """Raise a counter in one statement, so that two writers cannot overwrite each other."""
    Counter.objects.filter(pk=counter_id).update(value=F("value") + 1)


@task
def add_one(counter_id: int) -> None:
    """Add 1. Its write, its fence and its result are one transaction."""
    _raise(counter_id)


# The stubs of django.tasks do not know that a backend may have options of its own.
@task(effects="steps")  # type: ignore[call-overload,untyped-decorator]
def count_slowly(counter_id: int, steps: int = STEPS, seconds: float = STEP_SECONDS) -> None:
    """Add 1 in each of 20 steps, a second long: four times as long as the lease of the demo."""
    for number in range(1, steps + 1):
        # A step that an earlier owner did is only looked up: its answer is the one that was stored then.
        if once(f"add {number}", _step, counter_id, seconds) == os.getpid():
            current_job().progress(number, steps, "added")


def _step(counter_id: int, seconds: float) -> int:
    """Work, then add 1, and return who did it. The first statement begins the transaction: nothing is locked before."""
    time.sleep(seconds)
    _raise(counter_id)
    return os.getpid()


def _soon(exception: BaseException, result: TaskResult) -> float:
    """Retry after three seconds, which is long enough to be seen."""
    return 3.0


@task(max_attempts=FAILS + 1, backoff=_soon)  # type: ignore[call-overload,untyped-decorator]
def fail_twice(counter_id: int) -> None:
    """Add 1, and then fail in the first two attempts: what they wrote is undone with them."""
    _raise(counter_id)
    if current_job().attempt <= FAILS:
        raise RuntimeError(f"Attempt {current_job().attempt} fails on purpose, after it added 1.")


@task
def count_order(order_id: int) -> None:
    """Add 1 for an order."""
    _raise(Counter.shown().pk)
