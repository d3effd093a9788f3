"""cancel: READY or RUNNING → FAILED. What a running body still writes is refused, for its token is gone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias, by_primary_key, take_write_lock
from ..errors import WrongState
from ..fence import Fence
from ..models import Job, Outcome
from ..points import reached
from ..sentences import Sentence
from .attempts import end_attempt
from .gates import gate_left

CAN_BE = (TaskResultStatus.READY, TaskResultStatus.RUNNING)


def cancel(job_id: UUID, *, by: str = "") -> str | None:
    """Cancel a job; return the worker that was running it, None when it was waiting.

    What waits for it is judged by follow(), once this is committed; should nobody come to that, a keeper does.
    Raises WrongState when the job is finished, unknown, or being changed at this moment.
    """
    connection = connections[alias()]
    with transaction.atomic(using=connection.alias), by_primary_key(connection):
        take_write_lock(connection)
        skip = connection.features.has_select_for_update_skip_locked
        jobs = Job.objects.using(connection.alias).filter(pk=job_id)
        job = jobs.select_for_update(skip_locked=skip).first()
        if job is None:
            there = Sentence("Job %(job)s is being changed at this moment: look again.", job=job_id)
            raise WrongState(there if jobs.exists() else Sentence("Job %(job)s does not exist.", job=job_id))
        if job.status not in CAN_BE:
            raise WrongState(is_over(job))
        jobs.filter(status=job.status, token=job.token).update(**called_off())
        reached("cancel.before-attempt")
        if job.token is not None:
            end_attempt(
                Fence(job.id, job.attempt, job.token),
                Outcome.CANCELLED,
                exception_class="jobqueue.errors.JobCancelled",
                traceback=f"Cancelled{f' by {by}' if by else ''} while it was running.",
            )
        reached("cancel.before-commit")
    reached("cancel.after")
    return job.worker_id if job.token is not None else None


def called_off() -> dict[str, Any]:
    """Return what an UPDATE writes into jobs that are cancelled."""
    return {
        "status": TaskResultStatus.FAILED,
        "outcome": Outcome.CANCELLED,
        # Whether a job exists at all may still be for a COMMIT elsewhere to say.
        "gate": gate_left(),
        "token": None,
        "finished_at": DatabaseNow(),
    }


def is_over(job: Job) -> str:
    """Return the sentence that says why a job cannot be cancelled that has ended."""
    return Sentence("Job %(job)s is %(status)s already and cannot be cancelled.", job=job.pk, status=job.status)
