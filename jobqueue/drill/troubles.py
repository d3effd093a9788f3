"""What bodies do to the process that runs them, or to their own transaction; some of it but once for each job."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Callable

from django.db import DatabaseError, connection

from . import record


def hold_the_gil(counter: str, seconds: float) -> None:
    """Work in native code that keeps the interpreter to itself: no thread of this process runs meanwhile."""
    record.note("work", counter)
    # A function of a PyDLL is called without letting go of the GIL.
    ctypes.PyDLL(None).usleep(ctypes.c_uint(int(seconds * 1_000_000)))


def crash() -> None:
    """Read from an address that nobody has."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(8)


def die() -> None:
    """Die as a process does that the kernel takes for lack of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def swallow_an_error() -> None:
    """Have the database refuse a statement, and take no notice."""
    with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")


# What a body does when it has added to its counter, and nothing of that is committed.
AFTER_THE_WRITE: dict[str, Callable[[], None]] = {"crash": crash, "die": die, "swallow": swallow_an_error}
# What is not over with the first run.
AGAIN_AND_AGAIN = "poison"


def befall(trouble: str, counter: str) -> None:
    """Have a trouble befall the job that has just written."""
    if trouble == AGAIN_AND_AGAIN:
        die()
    elif trouble in AFTER_THE_WRITE and len(record.events("start", counter)) == 1:
        AFTER_THE_WRITE[trouble]()
