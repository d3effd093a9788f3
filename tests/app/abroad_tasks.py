"""Slow tasks that write to "default" wherever the jobs are: where those are there too, they are like all others."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.tasks import task

from jobqueue import once, once_on
from tests.app.many_tasks import FOREVER, hold_as_coroutine
from tests.app.record import note, wait_at_gate
from tests.app.slow_tasks import UNTIL_LET_GO, add_one, hold


@task(writes_to="default")
def hold_there(counter_id: int, file: str, seconds: float = UNTIL_LET_GO) -> None:
    """Wait, then add 1 in the transaction of the body."""
    hold.func(counter_id, file, seconds)


@task(writes_to="default", effects="steps")
def hold_in_a_step_there(counter_id: int, file: str, seconds: float = UNTIL_LET_GO) -> None:
    """Add 1, and add 1 in a step that waits first."""
    note(file, "start")
    once("first", add_one, counter_id, file)
    once("second", _wait_and_add_one, counter_id, file, seconds)


def _wait_and_add_one(counter_id: int, file: str, seconds: float) -> None:
    note(file, "wait")
    wait_at_gate(file, seconds)
    add_one(counter_id, file)


@task(writes_to="default")
async def hold_there_as_coroutine(counter_id: int, file: str, seconds: float = FOREVER) -> None:
    """Wait, then add 1 in the transaction of the body."""
    await hold_as_coroutine.func(counter_id, file, seconds)


@task(effects="steps")
async def hold_in_a_step_there_as_coroutine(counter_id: int, file: str, seconds: float = FOREVER) -> None:
    """Add 1, and add 1 in a step that waits first, in the job's own thread."""
    note(file, "start")
    await sync_to_async(once_on)("default", "first", add_one, counter_id, file)
    await sync_to_async(once_on)("default", "second", _wait_and_add_one, counter_id, file, seconds)
