"""What a seat of an executor does just now, in shared memory: a few numbers that its parent can read at any time.

Also while the executor is busy, and when it is dead. One that runs one job at a time has one seat, and so one board.
"""

from __future__ import annotations

import time
from ctypes import c_double
from multiprocessing.context import BaseContext
from typing import Any


class Board:
    """Written by the executor alone, read by its parent.

    Jobs are numbered in the order in which the parent sent them.
    """

    def __init__(self, context: BaseContext) -> None:
        self._cells: Any = context.RawArray(c_double, 4)

    def begin(self, serial: int) -> None:
        """Note that a job begins."""
        self._cells[1] = time.monotonic()
        self._cells[2] = 1
        self._cells[3] = 0
        self._cells[0] = serial

    def body_over(self) -> None:
        """Note that the body has returned or raised; what follows settles the job and runs hooks and receivers."""
        self._cells[2] = 0

    def blocks(self, it_does: bool) -> None:
        """Note that the body keeps the event loop from all others, or does so no longer."""
        self._cells[3] = it_does

    def end(self) -> None:
        """Note that no job is running."""
        self._cells[0] = 0

    def running(self) -> int:
        """Return the number of the job that is running, 0 when none is."""
        return int(self._cells[0])

    def in_body(self) -> bool:
        """Return whether there is a body to be stopped: one that runs, or is about to."""
        return bool(self._cells[0] and self._cells[2])

    def is_blocking(self) -> bool:
        """Return whether the job that is running keeps the event loop from all others."""
        return bool(self._cells[0] and self._cells[3])

    def seconds(self) -> float:
        """Return for how long the job that is running has been, 0 when none is."""
        return time.monotonic() - float(self._cells[1]) if self._cells[0] else 0.0
