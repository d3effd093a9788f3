"""Waits for hints that something was enqueued, so that a job starts at once; without Redis the poll alone finds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..leases import ANY_QUEUE, Wake


class Listener:
    """Listens to the wake lists of some queues, or of all."""

    def __init__(self, wake: Wake, queues: Sequence[str], *, woken: Callable[[], None]) -> None:
        self._wake = wake
        self._queues = list(queues) or [ANY_QUEUE]
        self._woken = woken

    def tick(self) -> float:
        """Wait for a hint for a moment and pass it on; raises LeasesUnavailable."""
        if self._wake.await_hint(self._queues):
            self._woken()
        return 0.0
