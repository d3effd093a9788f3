"""A seat in a thread: its jobs, one after the other, and how a body in it is interrupted.

No signal reaches a thread but the main one. Another is interrupted by the interpreter, which raises the error before
the next step of the code in it; who waits in native code (a socket, a lock, time.sleep) has to come back first. If he
does not within the grace, the worker kills the process, as it does with whoever does not listen. It is put off while
the body is in code of the library that holds locks of the whole process, such as a log handler's: an error between
taking a lock and the ``try`` behind it leaves it taken, and all other threads that log would wait for ever.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from ...errors import JobQueueError, LeaseLost, TimeLimitExceeded
from .interrupts import MEANING, Interrupts

logger = logging.getLogger("jobqueue.worker")
_TAKES_LOCKS = frozenset({"logging", "threading", "queue", "importlib._bootstrap"})
_AGAIN_SECONDS = 0.02
_CALLER_OF_BODIES = f"{__package__}.perform"


class ThreadInterrupts(Interrupts):
    """Lets the mailbox thread interrupt the body that one other thread runs, and nothing but a body."""

    def __init__(self, body_over: Callable[[], None] = lambda: None) -> None:
        self._thread = 0
        self._striking = threading.Lock()
        super().__init__(body_over)

    @contextmanager
    def allowed(self, job_id: UUID, *, is_coroutine: bool) -> Iterator[None]:
        """Let the body of this job be interrupted while the block runs, in the thread that runs the block."""
        self._thread = threading.get_ident()
        try:
            with super().allowed(job_id, is_coroutine=is_coroutine):
                yield
        except (LeaseLost, TimeLimitExceeded) as error:
            if self.struck and not error.args:
                error.args = (next(text for kind, text in MEANING.values() if type(error) is kind),)
            raise
        finally:
            self._stand_down()

    def _get_ready(self) -> None:
        return

    def _strike(self) -> None:
        with self._striking:
            if self._pending is None or self._pending[0] != self._job_id:
                return
            if _may_hold_a_lock(self._thread):
                later = threading.Timer(_AGAIN_SECONDS, self._strike)
                later.daemon = True
                later.start()
                return
            self.struck = True
            _raise_in(self._thread, MEANING[self._pending[1]][0])

    def _stand_down(self) -> None:
        """Take back what has not struck yet: behind this, nothing is a body any more."""
        while True:
            try:
                with self._striking:
                    self._job_id = None
                _raise_in(self._thread, None)
                self._body_over()
            except (LeaseLost, TimeLimitExceeded):
                continue  # It struck in here, when all was over.
            return


def _may_hold_a_lock(thread: int) -> bool:
    """Return whether a body is in code of the standard library that takes locks and gives them back by itself."""
    frame = sys._current_frames().get(thread)
    while frame is not None and (name := frame.f_globals.get("__name__")) != _CALLER_OF_BODIES:
        if name in _TAKES_LOCKS:
            return True
        frame = frame.f_back
    return False


def _raise_in(thread: int, kind: type[JobQueueError] | None) -> None:
    """Have the interpreter raise an error of that class in a thread, with no arguments; None takes back what waits."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(kind) if kind is not None else None
    )


class Seat(threading.Thread):
    """A thread that runs jobs one after the other until there will be no more."""

    def __init__(self, number: int, sit: Callable[[int], None]) -> None:
        super().__init__(name=f"jobqueue-seat-{number}", daemon=True)
        self._number = number
        self._sit = sit

    def run(self) -> None:
        """Run jobs; what goes wrong outside of them ends the process, for nobody would see that this seat is empty."""
        try:
            self._sit(self._number)
        except BaseException:
            logger.exception("A thread of this executor ended in an unexpected way: the executor ends.")
            os._exit(1)
