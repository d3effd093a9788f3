"""Signs of life of running jobs: leases, in one read of Redis for all; without Redis, their workers' heartbeats."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.tasks import TaskResultStatus

from ..backend import backend_of
from ..leases import LeasesUnavailable, LeaseView
from ..models import Attempt, Job, Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """That the owner of a job is alive: `left` seconds of `period`. `heartbeat_age` is None when Redis said so."""

    left: float
    period: float
    renewals: int
    pid: int | None
    heartbeat_age: float | None = None


class Reading(NamedTuple):
    """The leases that Redis told of, and the backends whose Redis told nothing."""

    leases: dict[UUID, LeaseView]
    silent: list[str]


def read_leases(jobs: Iterable[Job]) -> Reading:
    """Read the leases of the running jobs among these: one pipelined read for each backend that has any."""
    running: dict[str, list[UUID]] = defaultdict(list)
    for job in jobs:
        if job.status == TaskResultStatus.RUNNING:
            running[job.backend].append(job.pk)
    reading = Reading({}, [])
    for alias, ids in sorted(running.items()):
        backend = backend_of(alias)
        leases = backend.leases() if backend else None
        if leases is None:
            continue
        try:
            reading.leases.update(leases.read(ids))
        except LeasesUnavailable:
            reading.silent.append(alias)
    return reading


def sign_of(
    job: Job, *, lease: LeaseView | None, attempt: Attempt | None, worker: Worker | None, now: datetime
) -> Sign | None:
    """Return what shows that a running job is held under its claim of now; None when nothing does."""
    pid = (attempt and attempt.pid) or (worker and executor_pid(worker, job.pk))
    renewals = attempt.renewals if attempt else 0
    backend = backend_of(job.backend)
    if lease is not None and (lease.attempt, lease.token) == (job.attempt, job.token) and backend:
        period = backend.settings.lease_seconds
        return Sign(left=lease.ttl, period=period, renewals=max(lease.renewals, renewals), pid=lease.pid or pid or None)
    if worker is None:
        return None
    age = (now - worker.heartbeat_at).total_seconds()
    period = worker.lease_seconds
    return Sign(left=period - age, period=period, renewals=renewals, pid=pid or None, heartbeat_age=age)


def executor_pid(worker: Worker, job_id: UUID) -> int | None:
    """Return the process in which a worker runs a job, as of its last heartbeat."""
    return next((pid for pid, job in executors_of(worker) if job == str(job_id)), None)


def executors_of(worker: Worker) -> list[tuple[int | None, str]]:
    """Return the processes of a worker and the job that each runs, '' for none, as of its last heartbeat."""
    return [(_pid(entry.get("pid")), job) for entry in _entries(worker) for job in _jobs(entry)]


def memory_of(worker: Worker) -> int:
    """Return the bytes that a worker's executors had in memory, as of its last heartbeat."""
    sizes = [entry.get("memory") for entry in _entries(worker)]
    return sum(size for size in sizes if type(size) is int and 0 < size < 2**50)


def _entries(worker: Worker) -> list[dict[str, object]]:
    entries = worker.executors if isinstance(worker.executors, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]


def _jobs(entry: dict[str, object]) -> list[str]:
    """Return what an executor runs; it has several jobs, or one, or '' for none."""
    jobs = entry.get("jobs")
    return [str(job) for job in jobs] if isinstance(jobs, list) and jobs else [str(entry.get("job") or "")]


def _pid(value: object) -> int | None:
    return value if isinstance(value, int) and 0 < value < 2**31 else None
