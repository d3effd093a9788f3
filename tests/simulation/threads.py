"""What stands in for threads and what they share: events, a queue, the clock, sleep."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import Empty
from typing import Any

from tests.simulation import current
from tests.simulation.world import BEGINNING, Waitable

Lock = threading.Lock  # Nobody is ever overtaken while holding one.


class Event(Waitable):
    """threading.Event."""

    def __init__(self) -> None:
        super().__init__()
        self.flag = False

    def is_set(self) -> bool:
        return self.flag

    def set(self) -> None:
        self.flag = True
        if self.waiters:
            self.notify()

    def clear(self) -> None:
        self.flag = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self.flag:
            current.world.wait([self], timeout)
        return self.flag


class SimpleQueue(Waitable):
    """queue.SimpleQueue."""

    def __init__(self) -> None:
        super().__init__()
        self.items: deque[Any] = deque()

    def put(self, item: Any) -> None:
        self.items.append(item)
        self.notify()

    def get(self) -> Any:
        while not self.items:
            current.world.wait([self], None)
        return self.items.popleft()

    def get_nowait(self) -> Any:
        if not self.items:
            raise Empty
        return self.items.popleft()

    def empty(self) -> bool:
        return not self.items


class Thread:
    """threading.Thread, for threads that are given a target."""

    def __init__(self, *, target: Callable[[], None], name: str) -> None:
        self._target, self._name = target, name

    def start(self) -> None:
        start(self, self._name, self._target)

    def is_alive(self) -> bool:
        actor = getattr(self, "actor", None)
        return actor is not None and actor.alive

    def join(self, timeout: float | None = None) -> None:
        join(self, timeout)


def start(thread: Any, name: str, run: Callable[[], None]) -> None:
    """Start what a thread does as an actor of the process that starts it."""
    actor = current.world.here
    assert actor is not None
    thread.actor = actor.process.spawn(name.removeprefix("jobqueue-"), run)


def join(thread: Any, timeout: float | None = None) -> None:
    """Wait for the end of a thread."""
    if thread.actor.alive:
        current.world.wait([thread.actor.over], timeout)


class Time:
    """The time module. Each worker is on a machine of its own, so that comparing two of them shows."""

    def monotonic(self) -> float:
        world = current.world
        if world.here is None:
            return world.now
        process = world.here.process
        return world.now + (process.parent or process).pid * 10.0

    def time(self) -> float:
        return BEGINNING + current.world.now

    def time_ns(self) -> int:
        return int((BEGINNING + current.world.now) * 1e9)

    def sleep(self, seconds: float) -> None:
        current.world.sleep(seconds)
