"""retry: FAILED → READY by an operator's word, with full budgets; the next claim mints a new fence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connections, transaction
from django.db.models import DateTimeField, Value
from django.db.models.functions import Greatest
from django.tasks import TaskResultStatus

from .. import deliveries
from ..database import DatabaseNow, alias, by_primary_key
from ..errors import WrongState
from ..models import Attempt, Gate, Job, JobQuerySet, Outcome, Worker
from ..points import reached
from ..sentences import Sentence
from .depend import is_behind_others
from .gates import gate_again
from .judge import judge


def retry(job_id: UUID, *, at: datetime | None = None) -> None:
    """Let a failed job be attempted again, now or ``at`` a later moment. Its attempts so far stay on record.

    One that was cancelled while it ran waits until a lease period has passed since: its body has been stopped by then.
    One that was to wait for others, and was never begun, waits for them again: they are judged as they are by now.
    Raises WrongState when the job is not FAILED: a successful job's effects would happen twice; when it is in doubt: so
    might what it delivers; and when another job holds its unique key.
    """
    reached("retry.before")
    job = Job.objects.using(alias()).failed().filter(pk=job_id).first()
    if job is not None and job.outcome == Outcome.IN_DOUBT and (found := deliveries.undecided(job_id)):
        names = ", ".join(repr(delivery.step) for delivery in found)
        raise WrongState(
            Sentence(
                "Job %(job)s is in doubt: whether %(names)s was delivered is not known. Find out, and decide: in the "
                "admin, or by `manage.py jobs decide %(job)s` with --done or --again.",
                job=job_id,
                names=names,
            )
        )
    if job is None or not ready_again(job, at=at):
        raise WrongState(not_failed(job_id))
    if _waits(job):
        transaction.on_commit(lambda: judge([job_id]), using=alias(), robust=True)
    reached("retry.after")


def ready_again(job: Job, *, at: datetime | None = None) -> bool:
    """FAILED → READY for a job as it was read; return False when it is so no more. Raises WrongState for its key."""
    failed = Job.objects.using(alias()).failed().filter(pk=job.pk)
    return bool((_again if job.unique_key is None else _again_if_unique)(failed, job, at))


def _again(failed: JobQuerySet, job: Job, at: datetime | None) -> int:
    with by_primary_key(connections[alias()]):
        return failed.filter(attempt=job.attempt).update(
            **afresh(
                gate=Gate.AFTER if _waits(job) else gate_again(),
                due_at=no_sooner(soonest(job), at),
            )
        )


def afresh(*, gate: Any, due_at: Any) -> dict[str, Any]:
    """Return what an UPDATE writes into jobs that are READY again."""
    return {
        "status": TaskResultStatus.READY,
        "gate": gate,
        "outcome": "",
        "failures": 0,
        "crashes": 0,
        "token": None,
        "finished_at": None,
        "due_at": due_at,
    }


def _waits(job: Job) -> bool:
    # What was begun had its gate opened before, and its earlier jobs may be pruned by now.
    return job.attempt == 0 and is_behind_others(job.pk)


def _again_if_unique(failed: JobQuerySet, job: Job, at: datetime | None) -> int:
    """As _again(), which makes the job hold its key anew: the database refuses that while another does."""
    try:
        with transaction.atomic(using=alias()):
            return _again(failed, job, at)
    except IntegrityError:
        holders = Job.objects.using(alias()).holding().filter(unique_key=job.unique_key).values_list("pk", flat=True)
        raise WrongState(is_held(job, list(holders))) from None


def not_failed(job_id: UUID) -> str:
    """Return the sentence that says why a job cannot be retried that is not FAILED."""
    return Sentence("Job %(job)s is not FAILED, so it cannot be retried.", job=job_id)


def is_held(job: Job, holders: Sequence[UUID]) -> str:
    """Return the sentence that says why a job cannot be retried whose unique key another holds."""
    names = {"job": job.pk, "other": ", ".join(map(str, holders)), "unique": f'"{job.unique_while}"'}
    if holders:
        return Sentence(
            "Job %(job)s cannot be retried while job %(other)s is there for the same call: its task was "
            "unique=%(unique)s.",
            **names,
        )
    return Sentence(
        "Job %(job)s cannot be retried while another job is there for the same call: its task was unique=%(unique)s.",
        **names,
    )


def no_sooner(moment: Any, at: datetime | None) -> Any:
    """Return the later of a moment by the database and one that somebody has asked for, if anybody has."""
    return moment if at is None else Greatest(moment, Value(at, output_field=DateTimeField()))


def soonest(job: Job) -> Any:
    """Return from when on an attempt cannot overlap one that was cancelled and is being told."""
    attempts = Attempt.objects.using(alias()).filter(job_id=job.pk, number=job.attempt, outcome=Outcome.CANCELLED)
    last = attempts.first()
    worker = Worker.objects.using(alias()).filter(pk=last.worker_id).first() if last else None
    # The job's row has it until the job is READY again, then the record of the attempt alone.
    cancelled_at = job.finished_at or (last.ended_at if last else None)
    if cancelled_at is None or worker is None:
        return DatabaseNow()
    stopped_at = cancelled_at + timedelta(seconds=worker.lease_seconds)
    return Greatest(DatabaseNow(), Value(stopped_at, output_field=DateTimeField()))
