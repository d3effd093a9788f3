"""Counts what the worker sees, for people, and writes it down some times a minute; see ``jobqueue.tallies``."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

from .. import tallies
from ..lifecycle import Claim
from ..tallies import Count, Key, bucket
from .messages import Ended, How

WRITE_SECONDS = 15.0
# Of the jobs that one claim took, so many are asked how long they have waited, each for its share of them.
_ASKED = 8
_VALUE, _SETTLED = How.VALUE, How.SETTLED


class Bookkeeper:
    """What was counted since it was written down. Every thread of the worker may count."""

    def __init__(self, backend: str = "default") -> None:
        self._backend = backend
        self._counting = threading.Lock()
        # By queue and task.
        self._counts = defaultdict[tuple[str, str], Count](Count)
        self._next = time.monotonic() + WRITE_SECONDS

    def claimed(self, claims: Sequence[Claim]) -> None:
        """Count how long jobs have waited that were just claimed."""
        step = -(-len(claims) // _ASKED)
        with self._counting:
            for first in range(0, len(claims), step or 1):
                # Somebody else may have written anything to the row, and no figure is worth a worker.
                with suppress(Exception):
                    self._of(claims[first]).waited(claims[first].waited, min(step, len(claims) - first))

    def ended(self, some: Iterable[tuple[Claim, Ended]]) -> None:
        """Count what an executor reports."""
        others = []
        with self._counting:
            # This is in the way of every job, and most are of the same task as the one before.
            queue, path, count = "", "", Count()
            for claim, end in some:
                if end.how is not _VALUE and end.how is not _SETTLED:
                    others.append((claim, end))
                    continue
                if claim.task_path != path or claim.queue != queue:
                    queue, path = claim.queue, claim.task_path
                    count = self._counts[queue, path]
                count.succeeded += 1
                count.runs[bucket(end.seconds)] += 1
        for claim, end in others:
            if end.how is How.FAILED:
                self.failed(claim, end.seconds, for_good=not end.again)
            elif end.refused:
                self.refused(claim)

    def failed(self, claim: Claim, seconds: float | None = None, *, for_good: bool) -> None:
        """Count an attempt that raised or was late, and its job when it has failed for good."""
        with self._counting:
            count = self._of(claim)
            if for_good:
                count.failed += 1
            else:
                count.raised += 1
            if seconds is not None:
                count.ran(seconds)

    def crashed(self, claim: Claim, *, for_good: bool) -> None:
        """Count an attempt whose process died, and its job when it has failed by that."""
        with self._counting:
            count = self._of(claim)
            count.crashed += 1
            count.failed += for_good

    def refused(self, claim: Claim) -> None:
        """Count a late write that the database refused."""
        with self._counting:
            self._of(claim).refused += 1

    def renewed(self, claim: Claim) -> None:
        """Count a sign of life of a running job."""
        with self._counting:
            self._of(claim).renewed += 1

    def rescued(self, *, for_good: bool) -> None:
        """Count a job that was taken from a dead worker, and that it has failed by that."""
        with self._counting:
            count = self._counts["", ""]
            count.rescued += 1
            count.failed += for_good

    def write(self, *, at_once: bool = False) -> None:
        """Write down what was counted, when it is time to; raises DatabaseError, and keeps it then."""
        now = time.monotonic()
        if now < self._next and not at_once:
            return
        self._next = now + WRITE_SECONDS
        with self._counting:
            counts, self._counts = self._counts, defaultdict(Count)
        try:
            tallies.record({Key(self._backend, *place): count for place, count in counts.items()})
        except BaseException:
            with self._counting:
                for place, count in counts.items():
                    self._counts[place].add(count)
            raise

    def _of(self, claim: Claim) -> Count:
        return self._counts[claim.queue, claim.task_path]
