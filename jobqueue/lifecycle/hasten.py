"""hasten: a job that is READY for later is due now, by an operator's word."""

from __future__ import annotations

from uuid import UUID

from django.db import connections
from django.tasks import TaskResultStatus

from ..database import alias, by_primary_key
from ..errors import WrongState
from ..models import Job
from ..sentences import Sentence
from .retry import soonest


def hasten(job_id: UUID) -> None:
    """Have a job that waits for its time begin as soon as a worker has room.

    What else it waits for, its limit, other jobs or a commit, it waits for as before. One that was cancelled while it
    ran, and retried, begins no sooner than its first body has been stopped for certain. Raises WrongState when the job
    is not READY, or is due already.
    """
    jobs = Job.objects.using(alias()).filter(pk=job_id)
    job = jobs.first()
    if job is None or job.status != TaskResultStatus.READY:
        raise WrongState(Sentence("Job %(job)s does not wait, so it cannot be run sooner.", job=job_id))
    due_at = soonest(job)
    with by_primary_key(connections[alias()]):
        # By its attempt: what was claimed and handed back meanwhile waits for something else.
        if not jobs.ready().filter(attempt=job.attempt, due_at__gt=due_at).update(due_at=due_at):
            raise WrongState(Sentence("Job %(job)s is due already, or as soon as can be.", job=job_id))
