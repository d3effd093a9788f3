"""How far ahead executors may be fed: about a tenth of a second of work, so that nobody hoards and nobody starves."""

from __future__ import annotations

_AHEAD_SECONDS = 0.1
_MOST_AHEAD = 512


class Pace:
    """A moving average of how long jobs take. A long job is noticed at once, short ones have to prove themselves."""

    def __init__(self) -> None:
        self._mean = _AHEAD_SECONDS

    def note(self, seconds: float) -> None:
        """Take account of a job that took so long."""
        weight = 0.2 if seconds < self._mean else 0.5
        self._mean += weight * (min(seconds, 10 * _AHEAD_SECONDS) - self._mean)

    def window(self, seats: int = 1) -> int:
        """Return how many jobs so many seats of an executor may have at a time, the running ones among them."""
        return max(seats, min(_MOST_AHEAD, seats * max(1, int(_AHEAD_SECONDS / max(self._mean, 1e-6)))))
