"""Raises an error in the body of a job from outside: in the main thread by a signal, in a coroutine by cancelling it.

In another thread it is the interpreter that raises, between two steps of the body. (See threads.py.)

Two threads share this without a lock, for a signal handler that raises must not run while one is held: each attribute
is written by one of them, or read and replaced in one step.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from ...errors import JobQueueError, LeaseLost, TimeLimitExceeded
from ..messages import Why

# What signal.getsignal() calls. That one looks for the answer among the members of an enumeration, where functions are
# not: four looks took a quarter of the time that an executor spends on a job.
handler_of: Callable[[int], Any] = _signal.getsignal

MEANING: dict[Why, tuple[type[JobQueueError], str]] = {
    Why.LEASE_LOST: (LeaseLost, "This job is no longer this worker's: its lease was lost, or it was cancelled."),
    Why.TIMED_OUT: (TimeLimitExceeded, "The body ran longer than the task's timeout."),
}


class Interrupts:
    """Lets the mailbox thread interrupt the body that the main thread runs, and nothing but a body."""

    def __init__(self, body_over: Callable[[], None] = lambda: None) -> None:
        self.struck = False
        self._body_over = body_over
        self._job_id: UUID | None = None
        self._is_coroutine = False
        self._pending: tuple[UUID, Why] | None = None
        self._coroutine: tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]] | None = None
        self._get_ready()

    @contextmanager
    def allowed(self, job_id: UUID, *, is_coroutine: bool) -> Iterator[None]:
        """Let the body of this job be interrupted while the block runs."""
        self.struck, self._is_coroutine = False, is_coroutine
        self._get_ready()
        self._pending = None  # An earlier attempt may have ended without taking notice of its interruption.
        try:
            self._job_id = job_id
            yield
        except asyncio.CancelledError as error:
            interruption = self._take_pending()
            if interruption is not None:
                raise interruption from error
            raise
        finally:
            self._job_id = None
            self._body_over()

    def allows(self, job_id: UUID) -> bool:
        """Return whether the body of that job runs here."""
        return self._job_id == job_id

    def request(self, job_id: UUID, why: Why) -> None:
        """Interrupt the body of that job, if it is the one that is running; called by the mailbox thread."""
        if self._job_id != job_id:
            return
        self._pending = job_id, why
        if not self._is_coroutine:
            self._strike()
        elif (coroutine := self._coroutine) is not None:
            loop, task = coroutine
            with suppress(RuntimeError):  # It is closed: the body has just ended.
                loop.call_soon_threadsafe(task.cancel)

    async def cancellable(self, body: Coroutine[Any, Any, Any]) -> Any:
        """Await the coroutine of a body; an interruption cancels it, while the thread waits for it to end."""
        task = asyncio.current_task()
        assert task is not None
        self._coroutine = asyncio.get_running_loop(), task
        if self._pending is not None and self._pending[0] == self._job_id:
            task.cancel()  # It came before there was anything to cancel.
        try:
            return await body
        finally:
            self._coroutine = None

    def _get_ready(self) -> None:
        if handler_of(signal.SIGUSR1) != self._raise_pending:
            signal.signal(signal.SIGUSR1, self._raise_pending)  # An earlier body has made something else of it.

    def _strike(self) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def _raise_pending(self, _signal: int, _frame: object) -> None:
        if (interruption := self._take_pending()) is not None:
            self.struck = True
            raise interruption

    def _take_pending(self) -> JobQueueError | None:
        pending, self._pending = self._pending, None
        if pending is None or pending[0] != self._job_id:
            return None
        kind, text = MEANING[pending[1]]
        return kind(text)
