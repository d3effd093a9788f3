"""Waits for an event with a deadline; the one place in the suite that polls."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until[T](predicate: Callable[[], T], seconds: float = 10.0, *, every: float = 0.05) -> T:
    """Return the first truthy answer of the predicate; raises AssertionError when the seconds are over."""
    __tracebackhide__ = True
    deadline = time.monotonic() + seconds
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"Not true within {seconds:g} s: {predicate!r}, which still answers {answer!r}.")
        time.sleep(every)
