"""Waits for hints that something was enqueued, so that a job starts at once; without Redis the poll alone finds it.

Each hint reaches one worker, so one that can take no job must not keep it: it stops listening, and passes on what
reaches it all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

from ..leases import ANY_QUEUE, Wake

_LONGEST_WAIT = 0.5


class Listener:
    """Listens to the wake lists of some queues, or of all, while the worker has ``room`` for a job."""

    def __init__(self, wake: Wake, queues: Sequence[str], *, room: Event, woken: Callable[[], None]) -> None:
        self._wake = wake
        self._queues = list(queues) or [ANY_QUEUE]
        self._room = room
        self._woken = woken

    def tick(self) -> float:
        """Wait for a hint for a moment and act on it, or pass it on; raises LeasesUnavailable."""
        if not self._room.wait(_LONGEST_WAIT):
            return 0.0
        queue = self._wake.await_hint(self._queues)
        if queue is None:
            return 0.0
        if self._room.is_set():
            self._woken()
        else:
            self._wake.hint([queue])
        return 0.0
