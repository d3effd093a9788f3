"""The claims of a job as one story: from the records of attempts, and for a claim that left none from the job's row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.tasks import TaskResultStatus

from ..models import Attempt, Job, Outcome
from .glance import glance_of, is_last
from .times import between


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One claim. `recorded` is False when the job's row is all that tells of it."""

    attempt: Attempt
    recorded: bool
    running: bool
    started: datetime | None
    ended: datetime | None
    now: datetime

    @property
    def end(self) -> datetime | None:
        """When the claim ended, or now while it is running."""
        return self.now if self.running else self.ended

    @property
    def duration(self) -> str:
        """How long it took, or has taken so far."""
        return between(self.started, self.end)


def runs_of(job: Job, attempts: Iterable[Attempt]) -> list[Run]:
    """Return the claims of a job of which anything is known, the first one first."""
    found = list(attempts)
    told = any(is_last(job, attempt) for attempt in found)
    runs = [_run(job, attempt) for attempt in found]
    # A claim that succeeds before its first renewal leaves no record, nor has one that was made a moment ago.
    if not told and job.status in (TaskResultStatus.RUNNING, TaskResultStatus.SUCCESSFUL) and job.token:
        runs.append(_run_of_row(job))
    return runs


def last_run(job: Job) -> Run | None:
    """Return a job's last claim, as far as its glance tells; None when it has left no trace."""
    attempt = glance_of(job).attempt
    runs = runs_of(job, [attempt] if attempt else [])
    return runs[-1] if runs else None


def _run(job: Job, attempt: Attempt) -> Run:
    last = is_last(job, attempt)
    ended = attempt.ended_at
    if last and job.status == TaskResultStatus.SUCCESSFUL and ended is None:
        # The job's row tells first: the worker closes the record a moment later, or never, should it die meanwhile.
        attempt.outcome, ended = Outcome.OK, job.finished_at
    return Run(
        attempt=attempt,
        recorded=True,
        running=last and job.status == TaskResultStatus.RUNNING,
        # The record has its start only once it has ended; until then the job's row has it.
        started=attempt.started_at or (job.started_at if last else None),
        ended=ended,
        now=glance_of(job).now,
    )


def _run_of_row(job: Job) -> Run:
    running = job.status == TaskResultStatus.RUNNING
    assert job.token is not None
    attempt = Attempt(
        job_id=job.pk,
        number=job.attempt,
        token=job.token,
        worker_id=job.worker_id,
        pid=sign.pid if (sign := glance_of(job).sign) else None,
        outcome="" if running else Outcome.OK,
    )
    return Run(
        attempt=attempt,
        recorded=False,
        running=running,
        started=job.started_at,
        ended=job.finished_at,
        now=glance_of(job).now,
    )
