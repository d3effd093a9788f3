"""The errors jobqueue raises or records; the docstring of each is its meaning. Imports nothing of the package."""

from __future__ import annotations

from django.db import DatabaseError
from django.tasks.exceptions import InvalidTask, TaskException


class JobQueueError(Exception):
    """Base class of the errors that are raised by jobqueue itself."""


# -- refused when a task is declared or enqueued ------------------------------------------------


class InvalidArguments(JobQueueError, InvalidTask, TypeError):
    """The arguments of a job cannot be stored as JSON; nothing was enqueued."""


class ArgumentsTooLarge(InvalidArguments):
    """The arguments of a job are larger than OPTIONS["MAX_ARGUMENT_BYTES"]; nothing was enqueued."""


class InvalidIdempotencyKey(JobQueueError, InvalidTask, ValueError):
    """An idempotency key is empty, too long, or holds a NUL character; nothing was enqueued."""


class IdempotencyConflict(JobQueueError, ValueError):
    """An idempotency key was used before with other arguments; nothing was enqueued."""


class UnknownTask(JobQueueError, TaskException):
    """A job names a task that is not registered in this process."""


# -- raised in the body of a job ----------------------------------------------------------------


class NoCurrentJob(JobQueueError, RuntimeError):
    """current_job() or once() was called outside the body of a job."""


class LeaseLost(JobQueueError):
    """The process no longer owns the job: another owner may run it, so the body must stop and write nothing."""


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


class JobCancelled(JobQueueError):
    """The job was cancelled before it finished."""


class JobCrashed(JobQueueError):
    """The process that ran the job died (kill -9, out of memory, segfault) in the middle of the body."""


class WorkerLost(JobQueueError):
    """The worker that ran the job gave no sign of life for longer than its lease; the job was rescued from it."""


# -- raised when an operator or a setting asks for what cannot be --------------------------------


class WrongState(JobQueueError):
    """The job is not in a state in which this can be done to it."""


class NotMigrated(JobQueueError):
    """The database lacks the tables of jobqueue: run `python manage.py migrate` first."""
