"""cancel: READY or RUNNING → FAILED. What a running body still writes is refused, for its token is gone."""

from __future__ import annotations

from uuid import UUID

from django.db import connections, transaction
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias, by_primary_key, take_write_lock
from ..errors import WrongState
from ..fence import Fence
from ..models import Job, Outcome
from .attempts import end_attempt


def cancel(job_id: UUID, *, by: str = "") -> str | None:
    """Cancel a job; return the worker that was running it, None when it was waiting.

    Raises WrongState when the job is finished, unknown, or being changed at this moment.
    """
    connection = connections[alias()]
    with transaction.atomic(using=connection.alias), by_primary_key(connection):
        take_write_lock(connection)
        skip = connection.features.has_select_for_update_skip_locked
        jobs = Job.objects.using(connection.alias).filter(pk=job_id)
        job = jobs.select_for_update(skip_locked=skip).first()
        if job is None:
            reason = "is being changed at this moment: look again" if jobs.exists() else "does not exist"
            raise WrongState(f"Job {job_id} {reason}.")
        if job.status not in (TaskResultStatus.READY, TaskResultStatus.RUNNING):
            raise WrongState(f"Job {job_id} is {job.status} already and cannot be cancelled.")
        jobs.filter(status=job.status, token=job.token).update(
            status=TaskResultStatus.FAILED, outcome=Outcome.CANCELLED, token=None, finished_at=DatabaseNow()
        )
        if job.token is None:
            return None
        end_attempt(
            Fence(job.id, job.attempt, job.token),
            Outcome.CANCELLED,
            exception_class="jobqueue.errors.JobCancelled",
            traceback=f"Cancelled{f' by {by}' if by else ''} while it was running.",
        )
        return job.worker_id
