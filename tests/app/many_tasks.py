"""Tasks that run at once in one executor, as threads and as coroutines, and see of each other what they should."""

from __future__ import annotations

import asyncio
import os
import threading
import time

from asgiref.sync import sync_to_async
from django.db.models import F
from django.tasks import task

from jobqueue import current_job, once
from jobqueue.errors import LeaseLost, TimeLimitExceeded
from tests.app.models import Counter, Entry
from tests.app.record import note, notes, wait_at_gate

# Seconds: longer than any test.
FOREVER = 120.0
_TICK = 0.02


def _met(file: str, parties: int) -> bool:
    return sum(met.pid == os.getpid() for met in notes(file, "here")) >= parties


@task
def meet(file: str, parties: int) -> list[str]:
    """Wait until so many are here, in this very process; say which job this is, in which process and thread."""
    note(file, "here")
    while not _met(file, parties):
        time.sleep(_TICK)
    return [str(current_job().id), str(os.getpid()), threading.current_thread().name]


@task
async def meet_as_coroutine(file: str, parties: int) -> list[str]:
    """Likewise."""
    note(file, "here")
    while not _met(file, parties):
        await asyncio.sleep(_TICK)
    return [str(current_job().id), str(os.getpid()), threading.current_thread().name]


@task
def meet_and_write(file: str, parties: int, name: str, raises: bool) -> None:
    """Write before and after having met; one of them may raise."""
    Entry.objects.create(note=name)
    meet.func(file, parties)
    Entry.objects.create(note=name)
    if raises:
        raise LookupError(name)


@task(timeout=1, max_attempts=1)
def hang(file: str) -> None:
    """Spend for ever in one call of native code."""
    note(file, "start")
    time.sleep(FOREVER)


@task(timeout=1, max_attempts=1)
def listens_in_its_thread(file: str) -> None:
    """Write, and take too long, step by step; stop when told."""
    Entry.objects.create(note="listens")
    _until_told(file)


@task
def until_cancelled_in_its_thread(file: str) -> None:
    """Go on step by step until told to stop."""
    _until_told(file)


def _until_told(file: str) -> None:
    note(file, "start")
    over = time.monotonic() + FOREVER
    try:
        while time.monotonic() < over:
            time.sleep(_TICK)
    except (TimeLimitExceeded, LeaseLost) as error:
        note(file, f"told-{type(error).__name__}")
        raise
    finally:
        note(file, "finally")


@task(timeout=1, max_attempts=1)
async def listens_as_coroutine(file: str) -> None:
    """Write, and take too long; stop when told."""
    await Entry.objects.acreate(note="listens")
    await _sleep_until_told(file)


@task
async def until_cancelled_as_coroutine(file: str) -> None:
    """Go on until told to stop."""
    await _sleep_until_told(file)


async def _sleep_until_told(file: str) -> None:
    note(file, "start")
    try:
        await asyncio.sleep(FOREVER)
    except asyncio.CancelledError:
        note(file, "told")
        raise
    finally:
        note(file, "finally")


@task
async def hold_as_coroutine(counter_id: int, file: str, seconds: float = FOREVER) -> None:
    """Wait, then add 1 in the transaction of the body."""
    note(file, "start")
    await _let_go(file, seconds)
    note(file, "write")
    await Counter.objects.filter(pk=counter_id).aupdate(value=F("value") + 1)


@task(effects="steps")
async def hold_in_steps_as_coroutine(counter_id: int, file: str, seconds: float = FOREVER) -> None:
    """Add 1 in a step, wait, and add 1 in another."""

    def add_one() -> None:
        note(file, "write")
        Counter.objects.filter(pk=counter_id).update(value=F("value") + 1)

    note(file, "start")
    await sync_to_async(once)("first", add_one)
    await _let_go(file, seconds)
    await sync_to_async(once)("second", add_one)


async def _let_go(file: str, seconds: float) -> None:
    over = time.monotonic() + seconds
    while time.monotonic() < over and not _is_open(file):
        await asyncio.sleep(_TICK)


def _is_open(file: str) -> bool:
    return os.path.exists(f"{file}.open") or os.path.exists(f"{file}.open-{os.getpid()}")


@task
async def interleave(file: str, parties: int, name: str, raises: bool) -> int:
    """Write in turns with all the others, each in a transaction of its own; one of them may raise in the end."""
    note(file, "here")
    while parties and not _met(file, parties):
        await asyncio.sleep(_TICK)
    await Entry.objects.acreate(note=name)
    if parties:
        note(file, f"wrote-{os.getpid()}")
        while len(notes(file, f"wrote-{os.getpid()}")) < parties:
            await asyncio.sleep(_TICK)
    await asyncio.gather(*(Entry.objects.acreate(note=name) for _ in range(3)))
    if raises:
        raise LookupError(name)
    return await Entry.objects.acount()


@task(timeout=2, max_attempts=1)
async def block_the_loop(file: str) -> None:
    """Keep the loop from all others, for ever."""
    note(file, "start")
    time.sleep(FOREVER)


@task(timeout=1, max_attempts=1)
async def late_as_coroutine(file: str) -> None:
    """Take too long."""
    await _sleep_until_told(file)


@task
async def keep_the_loop(file: str) -> None:
    """Likewise, without a limit of its own, once others have begun."""
    note(file, "start")
    await _let_go(file, FOREVER)
    note(file, "blocks")
    time.sleep(FOREVER)


@task
async def leave_others_behind(file: str) -> None:
    """End, while what was started goes on."""

    async def write_later() -> None:
        try:
            while True:
                await asyncio.sleep(_TICK)
                await Entry.objects.acreate(note="late")
        finally:
            note(file, "finally")

    _left.append(asyncio.get_running_loop().create_task(write_later()))
    await asyncio.sleep(0)


_left: list[asyncio.Task[None]] = []


@task
def poison(counter_id: int, file: str) -> None:
    """End the process: when told the first time, and then after long enough for others to run beside this one."""
    note(file, "start")
    if len(notes(file, "start")) == 1:
        wait_at_gate(file, FOREVER)
    else:
        time.sleep(0.5)
    os._exit(7)
