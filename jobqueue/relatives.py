"""For people who look at a job: which others it waits for, or has waited for, and which wait for it. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from .database import alias
from .models import Dependency, Job

MOST = 100


class Relative(NamedTuple):
    """Another job, None when it was pruned, and what its failure does, or that of the job that is looked at."""

    job_id: UUID
    job: Job | None
    on_failure: str


def earlier_than(job_id: UUID, *, most: int = MOST) -> list[Relative]:
    """Return the first of the jobs that were named when this one was enqueued, in that order."""
    named = Dependency.objects.using(alias()).filter(job_id=job_id).order_by("position")
    return _relatives(list(named.values_list("after_id", "on_failure")[:most]))


def later_than(job_id: UUID, *, most: int = MOST) -> list[Relative]:
    """Return the first of the jobs that wait, or have waited, for this one."""
    behind = Dependency.objects.using(alias()).filter(after_id=job_id).order_by("job_id")
    return _relatives(list(behind.values_list("job_id", "on_failure").distinct()[:most]))


def _relatives(found: Sequence[tuple[UUID, str]]) -> list[Relative]:
    # Nobody who looks at one job is shown what others were given, or what they returned.
    jobs = Job.objects.using(alias()).defer("arguments", "result")
    there = jobs.in_bulk([job_id for job_id, _ in found]) if found else {}
    return [Relative(job_id, there.get(job_id), on_failure) for job_id, on_failure in found]
