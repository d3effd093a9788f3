"""The errors jobqueue raises or records; the docstring of each is its meaning."""

from __future__ import annotations

import math
from datetime import timedelta

from django.db import DatabaseError
from django.tasks.exceptions import InvalidTask, TaskException

from .spans import seconds_of


class JobQueueError(Exception):
    """Base class of the errors that are raised by jobqueue itself."""


# -- refused when a task is declared or enqueued ------------------------------------------------


class InvalidArguments(JobQueueError, InvalidTask, TypeError):
    """The arguments of a job cannot be stored as JSON; nothing was enqueued."""


class ArgumentsTooLarge(InvalidArguments):
    """The arguments of a job are larger than OPTIONS["MAX_ARGUMENT_BYTES"]; nothing was enqueued."""


class InvalidIdempotencyKey(JobQueueError, InvalidTask, ValueError):
    """An idempotency key is empty, too long, or holds a NUL character; nothing was enqueued."""


class InvalidLimitKey(JobQueueError, InvalidTask, ValueError):
    """The key under which a job is limited cannot be told, or not be stored; nothing was enqueued."""


class IdempotencyConflict(JobQueueError, ValueError):
    """An idempotency key was used before with other arguments; nothing was enqueued."""


class InvalidUniqueKey(JobQueueError, InvalidTask, ValueError):
    """A task's unique_key function raised, or returned something else than a text; nothing was enqueued."""


class UnknownDependency(JobQueueError, InvalidTask, ValueError):
    """A job was to wait for one that its database does not have; nothing was enqueued."""


class UnknownTask(JobQueueError, TaskException):
    """A job names a task that is not registered in this process."""


class InvalidRow(JobQueueError, ValueError):
    """A row holds what jobqueue never writes: somebody else has changed it."""


class InvalidSchedule(JobQueueError, ValueError):
    """A schedule cannot be as it was declared; the message says what to do."""


# -- raised in the body of a job ----------------------------------------------------------------


class NoCurrentJob(JobQueueError, RuntimeError):
    """current_job() or once() was called outside the body of a job."""


class LeaseLost(JobQueueError):
    """The process no longer owns the job: another owner may run it, so the body must stop and write nothing."""


class Retry(JobQueueError):
    """Raised by a body to be attempted again: ``raise Retry("They are busy.", after=30)``.

    after: seconds or a timedelta until then; None leaves the delay to the task's backoff.

    It is a failure like any other: nothing of the attempt is kept but its record, and it counts towards `max_attempts`.
    Raises ValueError for a delay that is none.
    """

    def __init__(self, reason: str = "", *, after: float | timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = _seconds(after)


class NotDelivered(Retry):
    """Raised by what ``deliver()`` calls: nothing was delivered, so it may be attempted again, ``after`` so long."""


class HandBack(JobQueueError):
    """Raised by a body to give up its turn: the job is handed back uncharged, and its next attempt begins soon.

    For long work that is told to stop (``current_job().stopping``) and has left a checkpoint.
    """


class TimeLimitExceeded(JobQueueError):
    """The body ran longer than the task's timeout."""


class UnfencedWrite(JobQueueError, DatabaseError):
    """A job wrote to the database outside the fence; the database refused the statement."""


class BrokenTransaction(JobQueueError, DatabaseError):
    """The body swallowed a database error that had undone part of its transaction, so none of it may be committed."""


# -- recorded as the reason of an end -----------------------------------------------------------


class InvalidResult(JobQueueError, TypeError):
    """The return value of a task cannot be stored as JSON."""


class ResultTooLarge(InvalidResult):
    """The return value of a task is larger than OPTIONS["MAX_RESULT_BYTES"]."""


class ArgumentsChanged(JobQueueError, TypeError):
    """The task does not take the arguments of the job any more: it was enqueued by another version of the code."""


class DeliveryInDoubt(JobQueueError):
    """Whether an effect outside the database happened is not known; it is not repeated until somebody has decided."""


class JobCancelled(JobQueueError):
    """The job was cancelled before it finished."""


class DependencyFailed(JobQueueError):
    """A job for which this one waited has failed, so it was never begun."""


class JobCrashed(JobQueueError):
    """The process that ran the job died (kill -9, out of memory, segfault) in the middle of the body."""


class WorkerLost(JobQueueError):
    """The worker that ran the job gave no sign of life for longer than its lease; the job was rescued from it."""


# -- raised when an operator or a setting asks for what cannot be --------------------------------


class WrongState(JobQueueError):
    """The job is not in a state in which this can be done to it."""


class UnknownSchedule(JobQueueError, LookupError):
    """There is no schedule of that name."""


class NotMigrated(JobQueueError):
    """The database lacks the tables of jobqueue: run `python manage.py migrate` first."""


def _seconds(delay: float | timedelta | None) -> float | None:
    seconds = seconds_of(delay)
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise ValueError(f"Retry(after=…) takes a number of seconds, 0 or more, or a timedelta, not {delay!r}.")
    return float(seconds)
