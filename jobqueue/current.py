"""What the body of a job may ask for: `current_job()` and `once()`. Knows no database and no worker."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
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

    def ensure_held(self) -> None:
        """Return if this process still owns the job; raises LeaseLost if it may not."""

    def idempotency_key(self, step: str = "") -> str:
        """Return a key for an effect outside the database, the same in every attempt: hand it to the other side."""

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Report that ``done`` of ``total`` is done, for the admin to show; a few reports a second go out at most."""

    def once[T](self, name: str, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Run a step at most once; see jobqueue.once()."""


running: ContextVar[CurrentJob | None] = ContextVar("jobqueue.current_job", default=None)


def current_job() -> CurrentJob:
    """Return the job whose body is running here; raises NoCurrentJob outside one."""
    job = running.get()
    if job is None:
        raise NoCurrentJob("current_job() and once() work only in the body of a job that a worker runs.")
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
