"""A new job of the same call: what is taken over from the row of a job, and why it cannot be."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.tasks.exceptions import TaskException

from .backend import backend_of
from .database import alias
from .errors import InvalidLimitKey, InvalidRow, JobQueueError, UnknownTask, WrongState
from .models import Job, Outcome
from .payload import call_of
from .redaction import shown_parameters
from .sentences import Sentence
from .tags import tags_of
from .task import JobTask, discover, find, is_known


def copy(job_id: UUID) -> UUID:
    """Enqueue a job with the task, arguments, queue, priority, tags and backend of another, due at once; return its id.

    It has no idempotency key, waits for no other job, and is as unique as its task says. Raises WrongState, which tells
    nothing of the arguments, when there can be no such job, and when one of a unique task is there.
    """
    job = Job.objects.using(alias()).filter(pk=job_id).first()
    if job is None:
        raise _refused(job_id, Sentence("it is gone"))
    if job.outcome == Outcome.IN_DOUBT:
        why = Sentence("whether what it delivers was delivered is in doubt, and is to be decided first")
        raise _refused(job_id, why)
    task, (args, kwargs) = _task_of(job), _call_of(job)
    if not _fits(task, args, kwargs):
        why = Sentence("its arguments no longer fit %(call)s", call=job.task_path + shown_parameters(task))
        raise _refused(job_id, why)
    result: Any
    try:
        values = {"backend": job.backend, "queue_name": job.queue, "priority": job.priority}
        result = task.using(**values, tags=tags_of(job_id)).enqueue(*args, **kwargs)
    except DatabaseError:
        raise
    except Exception as error:
        raise _refused(job_id, _why(error, task)) from error
    if result.enqueued_before:
        raise _refused(
            job_id,
            Sentence(
                'job %(other)s is there for the same call: its task is unique="%(while)s"',
                **{"other": result.id, "while": task.unique},
            ),
        )
    return UUID(result.id)


def _refused(job_id: UUID, why: str) -> WrongState:
    return WrongState(Sentence("Job %(job)s cannot be copied: %(why)s.", job=job_id, why=why))


def _why(error: Exception, task: JobTask) -> str:
    if isinstance(error, TaskException | JobQueueError) and not isinstance(error, InvalidLimitKey):
        return str(error).replace(" Nothing was enqueued.", "").rstrip(".")
    # What the project's own code says of a key that it makes of the arguments may tell them.
    return Sentence(
        "its keys cannot be told: %(task)s was answered with %(error)s",
        task=task.module_path,
        error=type(error).__qualname__,
    )


def _task_of(job: Job) -> JobTask:
    if not is_known(job.task_path):
        discover()  # A web process may not have imported the module that declares it.
    try:
        task = find(job.task_path)
    except UnknownTask:
        why = Sentence("no task %(task)r is registered in this process", task=job.task_path)
        raise _refused(job.pk, why) from None
    if backend_of(job.backend) is None:
        raise _refused(job.pk, Sentence("TASKS has no backend of jobqueue named %(backend)r", backend=job.backend))
    return task


def _call_of(job: Job) -> tuple[list[Any], dict[str, Any]]:
    try:
        return call_of(job.arguments, job.pk)
    except InvalidRow:
        why = Sentence("its arguments cannot be read, and were not written by jobqueue")
        raise _refused(job.pk, why) from None


def _fits(task: JobTask, args: list[Any], kwargs: dict[str, Any]) -> bool:
    try:
        task.signature().bind(*args, **kwargs)
    except TypeError:
        return False
    return True
