"""decide: what a job delivers outside the database is in doubt, and somebody says what came of it: FAILED → READY.

The word and the job's going on are one transaction: a job that goes on finds the word in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.tasks import TaskResultStatus

from .. import ledger
from ..database import alias, take_write_lock
from ..deliveries import Delivery, receipt_of, undecided
from ..errors import WrongState
from ..models import Job
from ..points import reached
from ..sentences import Sentence
from .retry import ready_again


def was_done(job_id: UUID, step: str | None = None, *, receipt: Any = None, by: str = "") -> str:
    """Say that a delivery happened: the job goes on, and gets ``receipt`` (JSON) for it. Return the step's name.

    Without a step it is the only one in doubt. Raises WrongState when the job is not FAILED or nothing is in doubt.
    """
    return _decide(job_id, step, lambda found: ledger.change(found.entry, receipt_of(receipt, by=by)))


def do_again(job_id: UUID, step: str | None = None) -> str:
    """Say that a delivery did not happen: the job goes on, and delivers. Returns and raises as was_done() does."""
    return _decide(job_id, step, lambda found: ledger.remove(found.entry.scope, found.entry.key))


def _decide(job_id: UUID, step: str | None, write: Callable[[Delivery], None]) -> str:
    reached("decide.before")
    connection = connections[alias()]
    with transaction.atomic(using=connection.alias):
        take_write_lock(connection)
        job = Job.objects.using(connection.alias).select_for_update().filter(pk=job_id).first()
        if job is None or job.status != TaskResultStatus.FAILED:
            raise WrongState(Sentence("Job %(job)s is not FAILED, so there is nothing to decide.", job=job_id))
        found = undecided(job_id)
        chosen = _chosen(job_id, step, found)
        write(chosen)
        # The others have to be decided, too.
        if len(found) == 1:
            ready_again(job)
        reached("decide.before-commit")
    reached("decide.after")
    return chosen.step


def _chosen(job_id: UUID, step: str | None, found: list[Delivery]) -> Delivery:
    chosen = [delivery for delivery in found if step in (None, delivery.step)]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(repr(delivery.step) for delivery in found)
    if chosen:
        raise WrongState(
            Sentence(
                "Job %(job)s has more than one delivery in doubt: say which of %(names)s.", job=job_id, names=names
            )
        )
    if found:
        raise WrongState(
            Sentence("Job %(job)s has none of that name in doubt, but %(names)s.", job=job_id, names=names)
        )
    raise WrongState(Sentence("Job %(job)s has nothing in doubt.", job=job_id))
