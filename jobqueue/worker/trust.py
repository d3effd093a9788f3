"""Until when this worker may believe that it still owns what it has claimed.

Others judge a worker dead when its leases *and* its heartbeat are older than a lease period. Trust is counted from
the moment a renewal was sent, by a monotonic clock, and ends a margin earlier, so the owner always stops first. It
is a number in shared memory: executors read it without asking anybody.

Trust that was over and holds again is in a worker that lives, not in the claims from before: others may have them.
"""

from __future__ import annotations

import time
from ctypes import c_double
from multiprocessing.context import BaseContext
from typing import Any


class Trust:
    """A moment on the monotonic clock, shared by the processes of a worker."""

    def __init__(self, context: BaseContext, *, lease_seconds: float, margin_seconds: float) -> None:
        self._until: Any = context.RawValue(c_double, time.monotonic())
        self._since: Any = context.RawValue(c_double, time.monotonic())
        self._period = lease_seconds - margin_seconds
        self._margin = margin_seconds

    def extend(self, sent: float) -> None:
        """Note that a witness of our life was renewed by a request sent at that moment."""
        if not self.holds():
            self._since.value = time.monotonic()
        self._until.value = max(self._until.value, sent + self._period)

    def since(self) -> float:
        """Return since when it has held without a gap, on the monotonic clock."""
        return float(self._since.value)

    def overdue(self) -> float:
        """Return for how many seconds trust has been over; negative while it lasts."""
        return time.monotonic() - float(self._until.value)

    def holds(self) -> bool:
        """Return whether this worker may still believe that it owns what it has claimed."""
        return self.overdue() < 0

    def spare(self) -> float:
        """Return in how many seconds what still runs must have ended: late in the margin, and before its end."""
        return 0.75 * self._margin - self.overdue()
