"""What the rows of jobs tell when all is over must be one story, whatever happened on the way."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from jobqueue.ledger import step_scope
from jobqueue.models import Attempt, Job, LedgerEntry, Outcome
from tests.app.fault_tasks import LEAVES


def check_story(job_ids: Collection[UUID]) -> None:
    """Check that attempts, ledger and job agree with each other."""
    for job in Job.objects.filter(pk__in=job_ids):
        attempts = list(Attempt.objects.filter(job_id=job.pk).order_by("number"))
        told = [(a.number, a.outcome, a.ended_at, a.renewals, a.worker_id) for a in attempts]
        assert job.status in ("SUCCESSFUL", "FAILED"), job.status
        assert job.finished_at is not None, job
        numbers = [attempt.number for attempt in attempts]
        assert numbers == sorted(set(numbers)), told
        assert all(number <= job.attempt for number in numbers), (job.attempt, told)
        # A worker that dies before it has closed the record of a job that went well leaves that to the job's own row.
        left_open = [attempt.token for attempt in attempts if attempt.ended_at is None]
        assert left_open in ([], [job.token] if job.status == "SUCCESSFUL" else []), (job.status, job.token, told)
        good = [attempt.number for attempt in attempts if attempt.outcome == Outcome.OK]
        assert good in ([], [job.attempt] if job.status == "SUCCESSFUL" else []), (job.status, job.attempt, told)
        assert job.crashes + job.failures <= job.attempt, (job.crashes, job.failures, told)
        _check_ledger(job)


def _check_ledger(job: Job) -> None:
    steps = list(LedgerEntry.objects.filter(scope=step_scope(job.pk)).values_list("key", "attempt"))
    left = LEAVES[job.task_path]
    wanted = sorted(left) if len(left) > 1 and job.status == "SUCCESSFUL" else []
    assert sorted(key for key, _ in steps) == wanted, steps
    assert all(attempt <= job.attempt for _, attempt in steps), steps
    if job.idempotency_key is not None:
        entry = LedgerEntry.objects.get(scope=f"enqueue:{job.task_path}", key=job.idempotency_key)
        assert entry.job_id == job.pk, entry
