"""What a page tells of a job beside its row, looked up for all jobs of the page at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.tasks import TaskResultStatus
from django.utils.translation import gettext as _

from ..backend import backend_of
from ..database import alias
from ..models import Attempt, Job, TaskDefinition, Worker
from .signs import Sign, read_leases, sign_of
from .tasks import task_of
from .withheld import mark_like


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """The neighbourhood of a job: what is recorded of its last claim, its owner, its task, and its sign of life."""

    now: datetime
    attempt: Attempt | None
    worker: Worker | None
    sign: Sign | None
    known: bool
    declared: bool
    effects: str
    paused: bool


def look(jobs: Sequence[Job]) -> list[str]:
    """Give every job its glance, with three queries and one read of Redis; return notes on what could not be read."""
    if not jobs:
        return []
    attempts = _attempts(jobs)
    workers = _rows(Worker).in_bulk({job.worker_id for job in jobs if job.worker_id})
    definitions = _rows(TaskDefinition).in_bulk({job.task_path for job in jobs})
    reading = read_leases(jobs)
    for job in jobs:
        attempt, worker, now = attempts.get(job.pk), workers.get(job.worker_id), now_of(job)
        running = job.status == TaskResultStatus.RUNNING
        lease = reading.leases.get(job.pk)
        definition = definitions.get(job.task_path)
        job.__dict__["glance"] = Glance(
            now=now,
            attempt=attempt,
            worker=worker,
            sign=sign_of(job, lease=lease, attempt=attempt, worker=worker, now=now) if running else None,
            known=task_of(job.task_path) is not None,
            declared=definition is not None,
            effects=_effects(job, definition),
            paused=bool(definition and definition.paused),
        )
    return [_unreachable(backend) for backend in reading.silent]


def glance_of(job: Job) -> Glance:
    """Return what look() found of a job."""
    return cast(Glance, job.__dict__["glance"])


def now_of(row: Any) -> datetime:
    """Return the database's time at which a row was read."""
    return cast(datetime, row.__dict__["now"])


def _rows(model: Any) -> Any:
    return model.objects.using(alias())


def _attempts(jobs: Sequence[Job]) -> dict[UUID, Attempt]:
    """Return the records of these jobs' last claims."""
    by_id = {job.pk: job for job in jobs if job.attempt or job.status != TaskResultStatus.READY}
    if not by_id:
        return {}
    # Some claims of others may have the same numbers; none but these jobs' are asked for.
    rows = _rows(Attempt).filter(job_id__in=list(by_id), number__in={job.attempt for job in by_id.values()})
    found = rows.order_by("id").defer("traceback")
    last = [attempt for attempt in found if is_last(by_id[attempt.job_id], attempt)]
    return {attempt.job_id: mark_like(by_id[attempt.job_id], [attempt])[0] for attempt in last}


def is_last(job: Job, attempt: Attempt) -> bool:
    """Return whether an attempt is a job's last claim: by its token, or by its number once the job's token is gone."""
    return attempt.token == job.token if job.token else attempt.number == job.attempt


def _effects(job: Job, definition: TaskDefinition | None) -> str:
    """Return how the job's task treats the database; as the workers declared it, else as this process does."""
    if definition:
        return definition.effects
    task, backend = task_of(job.task_path), backend_of(job.backend)
    return (task and task.effects) or (backend.settings.effects if task and backend else "")


def _unreachable(backend: str) -> str:
    return _(
        "The Redis of backend “%(backend)s” cannot be reached: leases are told by the workers’ heartbeats in the "
        "database. Running jobs go on."
    ) % {"backend": backend}
