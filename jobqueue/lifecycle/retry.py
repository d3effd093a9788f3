"""retry: FAILED → READY by an operator's word, with full budgets; the next claim mints a new fence."""

from __future__ import annotations

from uuid import UUID

from django.db import connections
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias, by_primary_key
from ..errors import WrongState
from ..models import Job


def retry(job_id: UUID) -> None:
    """Let a failed job be attempted again, now. Its attempts so far stay on record.

    Raises WrongState when the job is not FAILED: a successful job's effects would happen twice.
    """
    with by_primary_key(connections[alias()]):
        changed = (
            Job.objects.using(alias())
            .filter(pk=job_id, status=TaskResultStatus.FAILED)
            .update(
                status=TaskResultStatus.READY,
                outcome="",
                failures=0,
                crashes=0,
                token=None,
                finished_at=None,
                due_at=DatabaseNow(),
            )
        )
    if not changed:
        raise WrongState(f"Job {job_id} is not FAILED, so it cannot be retried.")
