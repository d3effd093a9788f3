"""How many jobs an executor runs at a time: its seats, and who may sit where.

Bodies that are functions have a thread each, or the main thread when there is one seat for them. Coroutines take the
seats of functions unless they were given seats of their own, which share one running loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from inspect import iscoroutinefunction

from ..errors import UnknownTask
from ..task import find

FUNCTIONS, COROUTINES = 0, 1


@dataclass(frozen=True)
class Seats:
    """The seats of one executor; those of coroutines come behind the others, and there are none when it is one."""

    threads: int = 1
    coroutines: int = 1

    @cached_property
    def share_a_loop(self) -> bool:
        """Whether coroutines have seats of their own."""
        return self.coroutines > 1

    @cached_property
    def total(self) -> int:
        """How many jobs an executor runs at once."""
        return self.threads + (self.coroutines if self.share_a_loop else 0)

    @cached_property
    def lanes(self) -> tuple[range, ...]:
        """The numbers of the seats, from 0, of each kind of body: one range, or FUNCTIONS and COROUTINES."""
        functions = range(self.threads)
        return (functions, range(self.threads, self.total)) if self.share_a_loop else (functions,)

    def lane_of(self, task_path: str) -> int:
        """Return which of the lanes a task belongs to."""
        return COROUTINES if self.share_a_loop and is_coroutine(task_path) else FUNCTIONS


def is_coroutine(task_path: str) -> bool:
    """Return whether the body of a task is a coroutine; False for a task that this process does not know."""
    try:
        return _is_coroutine(find(task_path).func)
    except UnknownTask:
        return False


_is_coroutine = cache(iscoroutinefunction)
