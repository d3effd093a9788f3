"""Stops this process when its worker cannot: one that is frozen alone renews nothing and kills nobody.

The worker's watchdog comes first, tells the body, and knows what to write down; this comes when it did not, and still
before another worker may act. It only looks at shared memory and kills, and like every thread it has to wait for a body
in native code that keeps the interpreter to itself: that, and a worker that is frozen, are two faults at once.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence

from ..board import Board
from ..trust import Trust

_TICK = 0.02


class Conscience(threading.Thread):
    """Watches one executor from within."""

    def __init__(self, boards: Sequence[Board], trust: Trust) -> None:
        super().__init__(name="jobqueue-conscience", daemon=True)
        self._boards = boards
        self._trust = trust

    def run(self) -> None:
        """Look until this process has to end."""
        while True:
            time.sleep(self.tick())

    def tick(self) -> float:
        """End this process if a job is running in it that may soon be another's; else say when to look again."""
        spare = self._trust.spare()
        if spare <= 0 and any(board.running() for board in self._boards):
            signal.raise_signal(signal.SIGKILL)
        return max(_TICK, spare)
