"""What the page shows of jobs and workers at this moment: rows of the database, and leases of Redis in one read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Q
from django.tasks import TaskResultStatus, task_backends

from jobqueue.database import DatabaseNow
from jobqueue.leases import LeasesUnavailable, LeaseView
from jobqueue.models import Attempt, Job, Worker
from jobqueue.spelling import spelled

from .tasks import count_slowly

SHOWN = 12
DEAD_FOR = 30.0


@dataclass(frozen=True, kw_only=True)
class LiveWorker:
    """A worker, and the seconds since its last heartbeat by the database's clock."""

    row: Worker
    age: float
    jobs: int

    @property
    def name(self) -> str:
        """What it is called."""
        return spelled(self.row.name)

    @property
    def is_alive(self) -> bool:
        """Whether its heartbeat is younger than its lease."""
        return self.age <= self.row.lease_seconds


@dataclass(frozen=True, kw_only=True)
class LiveJob:
    """A job with its attempts and, while it runs, its owner and what is left of the lease, in seconds."""

    row: Job
    attempts: Sequence[Attempt]
    owner: LiveWorker | None = None
    left: float = 0.0
    period: float = 0.0
    renewals: int = 0
    pid: int | None = None
    waits: float = 0.0

    @property
    def name(self) -> str:
        """The name of the task, without its module."""
        return spelled(self.row.task_path.rpartition(".")[2])

    @property
    def status(self) -> str:
        """The status in a word."""
        return spelled(self.row.get_status_display().lower())

    @property
    def is_running(self) -> bool:
        """Whether a worker has claimed it."""
        return self.row.status == TaskResultStatus.RUNNING

    @property
    def renewed_below(self) -> float:
        """What a lease that is renewed every third of its period never comes down to."""
        return self.period / 2

    @property
    def earlier(self) -> Sequence[tuple[Attempt, str, str]]:
        """The attempts that ended and did not succeed, each with how and on which worker."""
        ended = [attempt for attempt in self.attempts if attempt.outcome not in ("", "ok")]
        return [(each, spelled(each.get_outcome_display()), worker_name(each.worker_id)) for each in ended]

    @property
    def worker_name(self) -> str:
        """The name of the worker that claimed it last."""
        return worker_name(self.row.worker_id)

    @property
    def progress(self) -> dict[str, float | str] | None:
        """What the body reported last in its newest attempt."""
        said = self.attempts[-1].progress if self.attempts and self.is_running else None
        return {**said, "note": spelled(str(said.get("note", ""))[:200])} if isinstance(said, dict) else None


@dataclass(frozen=True, kw_only=True)
class Live:
    """Everything that changes on the page but the counter. `trouble` says why leases cannot be shown."""

    jobs: Sequence[LiveJob]
    workers: Sequence[LiveWorker]
    trouble: str = ""


def look() -> Live:
    """Return the state of now, with the newest long job whatever came after it: the story is of that."""
    workers = _workers()
    newest = Job.objects.order_by("-id").values_list("pk", flat=True)
    shown_ids = [*newest[:SHOWN], *newest.filter(task_path=count_slowly.module_path)[:1]]
    jobs = list(
        Job.objects.filter(Q(pk__in=shown_ids) | Q(status=TaskResultStatus.RUNNING))
        .annotate(now=DatabaseNow())
        .order_by("-id")
    )
    attempts = defaultdict(list)
    for attempt in Attempt.objects.filter(job_id__in=[job.pk for job in jobs]).order_by("job_id", "number"):
        attempts[attempt.job_id].append(attempt)
    leases, trouble = _leases([job.pk for job in jobs if job.status == TaskResultStatus.RUNNING])
    owners = {worker.row.pk: worker for worker in workers}
    shown = [_job(job, attempts[job.pk], owners.get(job.worker_id), leases.get(job.pk)) for job in jobs]
    # Those that run are on top, each in its place while it does.
    return Live(jobs=sorted(shown, key=lambda job: not job.is_running), workers=workers, trouble=trouble)


def worker_name(worker_id: str) -> str:
    """Return the name in a worker's id, which ends with what tells it from others of that name."""
    return spelled(worker_id.rpartition("-")[0])


def _leases(job_ids: Sequence[UUID]) -> tuple[dict[UUID, LeaseView], str]:
    """Return the leases of running jobs; without Redis there are none, and the heartbeat stands for them."""
    leases = task_backends["default"].leases()  # type: ignore[attr-defined]
    try:
        return (leases.read(job_ids) if leases else {}), ""
    except LeasesUnavailable:
        return {}, "Redis cannot be reached. The jobs go on: the workers' heartbeats in the database vouch for them."


def _job(job: Job, attempts: Sequence[Attempt], owner: LiveWorker | None, lease: LeaseView | None) -> LiveJob:
    # A lease in Redis of an earlier owner says nothing about this one.
    if lease is not None and lease.token != job.token:
        lease = None
    recorded = attempts[-1] if attempts and attempts[-1].token == job.token else None
    period = owner.row.lease_seconds if owner else 0.0
    heartbeat = max(0.0, period - owner.age) if owner else 0.0
    return LiveJob(
        row=job,
        attempts=attempts,
        owner=owner if job.status == TaskResultStatus.RUNNING else None,
        left=lease.ttl if lease else heartbeat,
        period=period,
        renewals=max(lease.renewals if lease else 0, recorded.renewals if recorded else 0),
        pid=_executor(owner, job.pk) or (recorded.pid if recorded else None),
        waits=max(0.0, (job.due_at - job.now).total_seconds()),  # type: ignore[attr-defined]
    )


def _executor(owner: LiveWorker | None, job_id: UUID) -> int | None:
    return next((pid for pid, job in _executors(owner.row) if job == str(job_id)), None) if owner else None


def _executors(worker: Worker) -> list[tuple[int, str]]:
    """Return the processes of a worker that run a job, and the job."""
    entries = worker.executors if isinstance(worker.executors, list) else []
    told = [(entry.get("pid"), entry.get("job")) for entry in entries if isinstance(entry, dict)]
    return [(pid, job) for pid, job in told if isinstance(pid, int) and isinstance(job, str)]


def _workers() -> Sequence[LiveWorker]:
    """Return the workers that live, and those that died lately without a word."""
    rows = Worker.objects.filter(stopped_at=None).annotate(now=DatabaseNow()).order_by(F("name"), "started_at")
    seen = [
        LiveWorker(
            row=row,
            age=max(0.0, (row.now - row.heartbeat_at).total_seconds()),
            jobs=len(_executors(row)),
        )
        for row in rows
    ]
    return [worker for worker in seen if worker.age <= DEAD_FOR]
