"""Tasks that take as long as a test wants and say in a file of its own that they run; and some that kill their process.

Each would make its counter wrong if it were done twice, or half.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import resource
import sys
import threading
import time
from typing import Any

from django.db import connection
from django.db.models import F
from django.tasks import task

from jobqueue import once
from jobqueue.worker.executor.conscience import Conscience
from tests.app.models import Counter
from tests.app.record import note, notes, wait_at_gate
from tests.app.sessions import hang_up, session_of

# Seconds: longer than any test.
UNTIL_LET_GO = 120.0
_PR_SET_PDEATHSIG = 1


if "JOBQUEUE_TEST_WITHOUT_CONSCIENCE" in os.environ:
    # Executors that do not end by themselves when they have been frozen: nothing but the database is left to stop them.
    Conscience.run = lambda _: None  # type: ignore[method-assign]


def add_one(counter_id: int, file: str) -> None:
    """Raise a counter."""
    note(file, "write")
    Counter.objects.filter(pk=counter_id).update(value=F("value") + 1)


@task
def hold(counter_id: int, file: str, seconds: float = UNTIL_LET_GO) -> None:
    """Wait, then add 1 in the transaction of the body."""
    note(file, "start")
    wait_at_gate(file, seconds)
    add_one(counter_id, file)


@task(effects="steps")
def hold_in_steps(counter_id: int, file: str, seconds: float = UNTIL_LET_GO) -> None:
    """Add 1, wait outside of any transaction, and add 1 again."""
    note(file, "start")
    once("first", add_one, counter_id, file)
    wait_at_gate(file, seconds)
    once("second", add_one, counter_id, file)


@task(effects="steps")
def hold_in_a_step(counter_id: int, file: str, seconds: float = UNTIL_LET_GO) -> None:
    """Add 1, and add 1 in a step that waits first: whoever wakes up in there has passed every check but the last."""
    note(file, "start")
    once("first", add_one, counter_id, file)
    once("second", _wait_and_add_one, counter_id, file, seconds)


def _wait_and_add_one(counter_id: int, file: str, seconds: float) -> None:
    note(file, "wait")
    wait_at_gate(file, seconds)
    add_one(counter_id, file)


@task
def hold_undying(counter_id: int, file: str) -> None:
    """Ask the kernel not to end this process with its parent, wait, and add 1."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 0)
    hold.func(counter_id, file)


@task
def hold_the_gil(counter_id: int, file: str, seconds: float) -> float:
    """Spend that long in native code that keeps the interpreter to itself, add 1, and return how long others waited."""
    ticks, over = [time.monotonic()], threading.Event()

    def tick() -> None:
        while not over.wait(0.02):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    note(file, "start")
    # A function of a PyDLL is called without giving the GIL away; unlike a computation it leaves the processor alone.
    ctypes.PyDLL(None).usleep(ctypes.c_uint(int(seconds * 1_000_000)))
    ticks.append(time.monotonic())
    over.set()
    thread.join()
    add_one(counter_id, file)
    return max(later - earlier for earlier, later in itertools.pairwise(ticks))


@task
def exit_at_once(counter_id: int, file: str) -> None:
    """Add 1 and end the process in the middle of the transaction."""
    note(file, "start")
    add_one(counter_id, file)
    os._exit(7)


@task
def segfault(counter_id: int, file: str) -> None:
    """Add 1 and read from an address that nobody has."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    note(file, "start")
    add_one(counter_id, file)
    ctypes.string_at(8)


@task
def lose_the_connection(counter_id: int, file: str, when: str) -> None:
    """Add 1; the session is ended before, or right behind, the first COMMIT of that."""
    _end_session_around_commit(file, when)
    add_one(counter_id, file)


@task(effects="steps")
def lose_the_connection_in_a_step(counter_id: int, file: str, when: str) -> None:
    """Add 1 in a step, and 1 in another; the session is ended before, or right behind, the first COMMIT of that."""

    def step() -> None:
        _end_session_around_commit(file, when)
        add_one(counter_id, file)

    once("first", step)
    once("second", add_one, counter_id, file)


def _end_session_around_commit(file: str, when: str) -> None:
    """Have the server hang up on this process around its next COMMIT, as it may at any moment; but once."""
    note(file, "start")
    if notes(file, "cut"):
        return
    ours: Any = connection
    commit = ours._commit

    def commit_and_lose() -> None:
        del ours._commit
        note(file, "cut")
        if when == "behind":
            commit()
        hang_up([session_of(ours)])
        if when == "before":
            commit()

    ours._commit = commit_and_lose
