"""One event loop for all the coroutines of an executor, and a thread for each of them, where its sync calls are made.

The thread is the job's seat: it has the job's connections, its transaction and its fence, and while the coroutine runs
on the loop it does nothing but what the coroutine asks of the ORM (`sync_to_async`, `acreate()` and all their kind). So
two coroutines never share a connection, and a fenced body is what it is elsewhere: all that happens in one thread.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import Any
from uuid import UUID

from asgiref.sync import SyncToAsync, ThreadSensitiveContext

from ...current import running
from .forks import end_here_if_forked

logger = logging.getLogger("jobqueue.worker")
type _Call = tuple[Future[Any], Callable[[], Any]]


class RunningLoop(threading.Thread):
    """A loop that runs in a thread of its own for as long as the process does."""

    def __init__(self) -> None:
        super().__init__(name="jobqueue-loop", daemon=True)
        self._loop = asyncio.new_event_loop()
        self._bodies = set[asyncio.Task[None]]()

    def run(self) -> None:
        """Run the loop."""
        asyncio.set_event_loop(self._loop)
        while True:
            try:
                self._loop.run_forever()
            except BaseException:  # sys.exit() in a task that a body has started; the loop itself is none the worse.
                logger.exception("A task that a body has started would have ended the loop.")

    def run_body(self, body: Callable[[], Awaitable[Any]]) -> Any:
        """Return what a coroutine returns, or raise what it raises; its sync calls are made in the caller's thread."""
        seat, answer = _Seat(), Future[Any]()

        async def whole() -> None:
            _have_sync_calls_made_by(seat)
            try:
                try:
                    value = await body()
                finally:
                    end_here_if_forked()
                    await _end_what_it_started()
            except BaseException as error:
                answer.set_exception(error)
            else:
                answer.set_result(value)
            finally:
                seat.close()

        self._loop.call_soon_threadsafe(self._begin, whole)
        seat.serve()
        return answer.result()

    def turn(self) -> threading.Event:
        """Return what is set as soon as the loop turns, so that every coroutine in it could be told something."""
        turned = threading.Event()
        self._loop.call_soon_threadsafe(turned.set)
        return turned

    def occupant(self) -> UUID | None:
        """Return the job whose code the loop is in just now; None when it waits, or when it is no job's."""
        task = asyncio.current_task(self._loop)
        job = task.get_context().get(running) if task is not None else None
        return job.id if job is not None else None

    def _begin(self, whole: Callable[[], Any]) -> None:
        task = self._loop.create_task(whole())
        # A loop itself holds its tasks but weakly.
        self._bodies.add(task)
        task.add_done_callback(self._bodies.discard)


def _have_sync_calls_made_by(seat: Executor) -> None:
    """Have all that this task, and those that it starts, ask for in a thread be done by that executor.

    It is what ``ThreadSensitiveContext(executor=…)`` does, which asgiref has from 3.13 on. Who asks when the body is
    over is refused by the executor.
    """
    context = ThreadSensitiveContext()
    SyncToAsync.context_to_thread_executor[context] = seat
    SyncToAsync.thread_sensitive_context.set(context)


async def _end_what_it_started() -> None:
    """Cancel the tasks that a body has left behind, and wait for them, as asyncio.run() does.

    They know their job as the body does: what they did from now on would be outside of it.
    """
    job, this = running.get(), asyncio.current_task()
    left = [task for task in asyncio.all_tasks() if task is not this and task.get_context().get(running) is job]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


class _Seat(Executor):
    """The thread of one body, as asgiref sees it: it makes the calls that it is given, one after the other."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._is_closed = False

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called; raises RuntimeError when the body is over."""
        call = Future[T](), partial(fn, *args, **kwargs)
        with self._closing:
            if self._is_closed:
                raise RuntimeError("The body of this job is over, and with it what it may ask of the database.")
            self._calls.put(call)
        return call[0]

    def serve(self) -> None:
        """Make calls until the body is over; those that nobody waits for any more are not made."""
        while (item := self._calls.get()) is not None:
            future, call = item
            if self._is_closed:
                future.cancel()
            elif future.set_running_or_notify_cancel():
                _make(future, call)

    def close(self) -> None:
        """Take no more calls."""
        with self._closing:
            self._is_closed = True
        self._calls.put(None)


def _make(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        value = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(value)
