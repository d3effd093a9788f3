"""A thread that does one thing again and again; the tick itself is a plain method that tests call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from django.db import DatabaseError, InterfaceError, connections

from ..leases import LeasesUnavailable
from .said import Said

logger = logging.getLogger("jobqueue.worker")
_PAUSE_AFTER_ERROR = 0.5


class Loop(threading.Thread):
    """Calls ``tick()``, which returns in how many seconds it wants to be called again, until it is stopped.

    A database or a Redis that does not answer is waited for; connections that broke are opened anew.
    """

    def __init__(self, name: str, tick: Callable[[], float]) -> None:
        super().__init__(name=f"jobqueue-{name}", daemon=True)
        self.failing, self._said = False, Said()
        self._tick = tick
        self._stop_requested = threading.Event()
        self._nudged = threading.Event()

    def run(self) -> None:
        """Tick until stopped."""
        while not self._stop_requested.is_set():
            self._nudged.clear()
            try:
                delay = self._tick()
            except Exception as error:
                delay, self.failing = _PAUSE_AFTER_ERROR, True
                # Whatever else goes wrong, nobody else would do what this thread does.
                with suppress(Exception):
                    self._tell(error)
                with suppress(Exception):
                    connections.close_all()
            else:
                self.failing = False
                self._said.over(self.name)
            self._nudged.wait(delay)
        connections.close_all()

    def _tell(self, error: Exception) -> None:
        if isinstance(error, DatabaseError | InterfaceError | LeasesUnavailable):
            self._said.warn(self.name, "%s: %s; trying again.", self.name, str(error).strip())
        else:
            logger.error("%s failed; trying again.", self.name, exc_info=error)

    def nudge(self) -> None:
        """Have the next tick come at once."""
        self._nudged.set()

    def stop(self) -> None:
        """Ask the thread to end after the tick that is under way."""
        self._stop_requested.set()
        self._nudged.set()
