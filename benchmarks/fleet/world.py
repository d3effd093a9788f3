"""Simulated time, and the two kinds of machine that requests wait for: one with cores, one that flushes a log."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Generator
from typing import Any

# What happens is told by generators that yield how long it takes (seconds), or a Bell and how long to wait for it.
Process = Generator[Any, None, None]


class World:
    """What happens when."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, moment: float, happen: Callable[[], None]) -> None:
        """Have something happen then."""
        heapq.heappush(self._events, (moment, next(self._order), happen))

    def start(self, process: Process) -> None:
        """Have a process go on from now."""
        wait = next(process, None)
        if isinstance(wait, tuple):
            bell, seconds = wait
            bell.await_ring(process, seconds)
        elif wait is not None:
            self.at(self.now + wait, lambda: self.start(process))

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._events and self._events[0][0] <= until:
            self.now, _, happen = heapq.heappop(self._events)
            happen()
        self.now = until


class Bell:
    """Something that one process waits for, a while at most: ``yield bell, seconds``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: Process | None = None
        self._wait = 0
        self._rung = False

    def await_ring(self, process: Process, seconds: float) -> None:
        """Go on with a process when the bell rings, at once if it has since the last time, or after so long."""
        self._waiting, self._wait = process, self._wait + 1
        this = self._wait
        if self._rung:
            self._world.at(self._world.now, lambda: self._go_on(this))
        else:
            self._world.at(self._world.now + seconds, lambda: self._go_on(this))

    def ring(self) -> None:
        """Wake who waits, or who will."""
        if self._waiting is None:
            self._rung = True
        else:
            self._go_on(self._wait)

    def _go_on(self, wait: int) -> None:
        process = self._waiting
        if process is not None and wait == self._wait:
            self._waiting, self._rung = None, False
            self._world.start(process)


class Cores:
    """A machine that serves so many requests at a time, the others in turn. `spent` is in seconds, by purpose."""

    def __init__(self, world: World, count: int) -> None:
        self._world = world
        self._free_at = [0.0] * count
        self.count = count
        self.spent: Counter[str] = Counter()

    def serve(self, purpose: str, seconds: float) -> float:
        """Return how long a request takes that needs the machine for so long."""
        began = max(self._world.now, heapq.heappop(self._free_at))
        heapq.heappush(self._free_at, began + seconds)
        self.spent[purpose] += seconds  # type: ignore[assignment]  # The stubs know counts of whole things only.
        return began + seconds - self._world.now


class Log:
    """A log that is flushed to disk once for all who wait when a flush begins. `flush` is in seconds."""

    def __init__(self, world: World, flush: float) -> None:
        self._world = world
        self._flush = flush
        self._begins = -1.0  # The last flush: over, under way, or to come.
        self.flushes = 0

    def commit(self) -> float:
        """Return how long a commit waits that asks for its flush now."""
        if self._begins < self._world.now:
            # The last flush has begun without it. The next one follows that, or begins at once on an idle disk.
            self._begins = max(self._world.now, self._begins + self._flush)
            self.flushes += 1
        return self._begins + self._flush - self._world.now
