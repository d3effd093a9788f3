"""What the body of a job may ask for: `current_job()`, `once()` and `deliver()`. Knows no database and no worker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from .errors import NoCurrentJob


class CurrentJob(Protocol):
    """The job whose body is running."""

    @property
    def id(self) -> UUID:
        """The id of the job, the same in every attempt."""

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1, without those that were handed back uncharged."""

    @property
    def tick(self) -> datetime | None:
        """The moment of the schedule's tick that made this job, aware and in UTC; None for one that no tick made.

        That is when it was due, however late it runs, and the same in every attempt. Asked of the ledger once.
        """

    @property
    def results(self) -> list[Any]:
        """What the jobs returned for which this one has waited, in the order of `after`; None for one that failed."""

    @property
    def stopping(self) -> bool:
        """Whether the worker was told to stop: a long body leaves a checkpoint and raises HandBack. Asks nobody."""

    @property
    def resumed(self) -> Any:
        """The state of the last checkpoint that was committed, by this attempt or one before; None if there is none.

        Asks the database each time.
        """

    def checkpoint(self, state: Any) -> None:
        """Keep a state for the next attempt to go on from, in place of the one before; None forgets that.

        It must be JSON of at most MAX_RESULT_BYTES, and is kept until the job is pruned. In once() it is a part of that
        step; else it is committed at once, and checked to be ours: raises LeaseLost when the job is not any more,
        InvalidResult for a state that is not JSON, and RuntimeError in a job with ``effects="atomic"`` or in a step on
        another database than the jobs'.
        """

    def ensure_held(self) -> None:
        """Return if this process still owns the job; raises LeaseLost if it may not."""

    def idempotency_key(self, step: str = "") -> str:
        """Return a key for an effect outside the database, the same in every attempt: hand it to the other side."""

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Report that ``done`` of ``total`` is done, for the admin to show; a few reports a second go out at most."""

    def once[T](self, name: str, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Run a step at most once; see jobqueue.once()."""

    def once_on[T](self, database: str, name: str, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Run a step on another database at most once; see jobqueue.once_on()."""

    def writing_here(self) -> AbstractContextManager[None]:
        """Let jobqueue itself write to the database of the jobs, where the body may only read."""

    def deliver[T](
        self,
        step: str,
        fn: Callable[..., T],
        /,
        *args: Any,
        lookup: Callable[[str], T | None] | None = None,
        not_done: tuple[type[BaseException], ...] = (),
        **kwargs: Any,
    ) -> T:
        """Have an effect outside the database; see jobqueue.deliver()."""


running: ContextVar[CurrentJob | None] = ContextVar("jobqueue.current_job", default=None)


def writing_here() -> AbstractContextManager[None]:
    """Let jobqueue itself write to the database of the jobs, in the body of a job or outside one."""
    job = running.get()
    return nullcontext() if job is None else job.writing_here()


def current_job() -> CurrentJob:
    """Return the job whose body is running here; raises NoCurrentJob outside one."""
    job = running.get()
    if job is None:
        raise NoCurrentJob("current_job(), once() and deliver() work only in the body of a job that a worker runs.")
    return job


def once[T](name: str, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Run ``fn(*args, **kwargs)`` as a step of the current job and return its value; it happens at most once.

    The step's writes, its value and the check that this process still owns the job are one transaction. After a
    crash, the next attempt gets the stored value instead of a second run. The value must be JSON. A step is known by
    its ``name``, which is unique within the job.

    Raises NoCurrentJob outside a job, LeaseLost when the job is no longer ours, InvalidResult for a value that is not
    JSON, and whatever ``fn`` raises; in all of these cases nothing of the step is stored.
    """
    return current_job().once(name, fn, *args, **kwargs)


def once_on[T](database: str, name: str, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """As once(), with the step's writes on an alias of DATABASES that may be another one than the jobs'.

    The step's ledger entry is there too, so `jobqueue` has to be migrated on that alias. Raises NotMigrated when it is
    not, RuntimeError in a body of ``effects="atomic"``, and what once() raises.
    """
    return current_job().once_on(database, name, fn, *args, **kwargs)


def deliver[T](
    step: str,
    fn: Callable[..., T],
    /,
    *args: Any,
    lookup: Callable[[str], T | None] | None = None,
    not_done: tuple[type[BaseException], ...] = (),
    **kwargs: Any,
) -> T:
    """Have an effect outside the database, ``fn(*args, **kwargs)``, and return its receipt: what that returned.

    The intent is committed before the call and the receipt after it. The next attempt gets the receipt instead of a
    second call. An intent without a receipt is in doubt: ``lookup(idempotency_key)`` is asked, and returns the receipt,
    or None when it was not done, which has it done again; without a lookup the job stops until somebody has decided.

    The key is ``current_job().idempotency_key(step)``: have ``fn`` hand it to the other side. An exception of ``fn``
    leaves it in doubt, unless it is NotDelivered or one of ``not_done``: then nothing was delivered, and the exception
    is a failure as any other. A ``fn`` with parameters named as options of this is wrapped: ``partial(fn, lookup=…)``.

    Raises NoCurrentJob outside a job, LeaseLost when the job is no longer ours, DeliveryInDoubt, InvalidResult when the
    receipt is not JSON (it counts as done, without one), RuntimeError in a job with ``effects="atomic"``, and whatever
    ``lookup`` raises.
    """
    return current_job().deliver(step, fn, *args, lookup=lookup, not_done=not_done, **kwargs)
