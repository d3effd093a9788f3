"""Jobs: those that run without an owner, wait for too long, wait for a pause, or failed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Min, Q

from ..backend import backend_of, backends
from ..database import DatabaseNow, alias
from ..leases import LeasesUnavailable
from ..models import Job, JobQuerySet, Outcome, PausedQueue, TaskDefinition, Worker
from .finding import Finding, Level, judged
from .looks import Look
from .workers import counted, due, some, told

# A rescue takes two looks after the lease is over; the promise is this long.
_RESCUED_WITHIN = 10.0
OVERDUE = timedelta(minutes=5)
_DAY = timedelta(days=1)
# One in so many that failed is worth a look.
_FAILING = 20
_MOST_RUNNING = 10_000


def looks() -> Iterator[Look]:
    """Yield the looks."""
    needs = frozenset({"database", "tables"})
    yield Look(about="jobs.ownerless", at=_ownerless, needs=needs)
    yield Look(about="jobs.overdue", at=_overdue, needs=needs)
    yield Look(about="jobs.paused", at=_paused, needs=needs)
    yield Look(about="jobs.backends", at=_abandoned, needs=needs)
    yield Look(about="jobs.failed", at=_failed, needs=needs)


def _ownerless() -> Iterator[Finding]:
    workers = Worker.objects.using(alias()).in_bulk()
    running = Job.objects.using(alias()).running().annotate(now=DatabaseNow())
    rows = running.order_by().values_list("pk", "backend", "worker_id", "started_at", "now")[:_MOST_RUNNING]
    lost: dict[str, list[UUID]] = {}
    for pk, backend, worker_id, started_at, now in rows:
        if _is_silent(workers.get(worker_id), backend, started_at, now):
            lost.setdefault(backend, []).append(pk)
    found = [pk for backend, ids in lost.items() for pk in ids if pk not in _leased(backend, ids)]
    yield judged(
        Level.PROBLEM if found else Level.OK,
        about="jobs.ownerless",
        says=f"{len(found):,} jobs are RUNNING whose owners are dead for longer than a rescue takes: {some(found)}."
        if found
        else "Every running job has an owner that is alive, or is being rescued.",
        means="No live worker of their backend rescues them.",
        do="Start a worker of the backend; if there is one, see its log for errors of its keeper.",
        figure=len(found),
        unit="jobs",
    )


def _is_silent(worker: Worker | None, backend: str, started_at: datetime | None, now: datetime) -> bool:
    here = backend_of(backend)
    lease = worker.lease_seconds if worker else (here.settings.lease_seconds if here else 30.0)
    last = max((at for at in (worker and worker.heartbeat_at, started_at) if at), default=now)
    return (now - last).total_seconds() > lease + _RESCUED_WITHIN


def _leased(backend: str, ids: list[UUID]) -> set[UUID]:
    """Return the jobs whose lease is held; none when Redis does not say."""
    here = backend_of(backend)
    leases = here.leases() if here else None
    try:
        return set(leases.read(ids)) if leases else set()
    except LeasesUnavailable:
        return set()


def _pauses() -> Q:
    """Return what a job is that waits until somebody resumes."""
    tasks = TaskDefinition.objects.using(alias()).filter(paused=True).values_list("path", flat=True)
    found = Q(task_path__in=list(tasks))
    for backend, name in PausedQueue.objects.using(alias()).values_list("backend", "name"):
        found |= Q(backend=backend, queue=name)
    return found


def _overdue() -> Iterator[Finding]:
    late = due().filter(due_at__lt=DatabaseNow() - OVERDUE).exclude(_pauses())
    oldest = late.order_by().aggregate(at=Min("due_at"))["at"]
    seconds = 0.0
    if oldest is not None:
        now = Job.objects.using(alias()).annotate(now=DatabaseNow()).values_list("now", flat=True)[:1].get()
        seconds = (now - oldest).total_seconds()
    count = counted(late) if oldest is not None else 0
    queues = late.order_by("queue").values_list("queue", flat=True).distinct() if count else []
    long = f"more than {OVERDUE.total_seconds() / 60:.0f} min"
    yield judged(
        bool(count),
        about="jobs.overdue",
        says=f"{told(count)} jobs have been due for {long}, in {some(queues)}; the first for {seconds:,.0f} s."
        if count
        else f"No job has been due for {long}.",
        means="Jobs come faster than they are done, long ones hold all executors, or nobody serves them.",
        do="Start more workers or a higher --concurrency; give long jobs a queue of their own.",
        figure=round(seconds),
        unit="s",
    )


def _paused() -> Iterator[Finding]:
    tasks = list(TaskDefinition.objects.using(alias()).filter(paused=True).values_list("path", flat=True))
    queues = list(PausedQueue.objects.using(alias()).values_list("backend", "name"))
    names = [*tasks, *(f"{name} ({backend})" for backend, name in queues)]
    count = counted(Job.objects.using(alias()).ready().filter(_pauses())) if names else 0
    yield judged(
        bool(count),
        about="jobs.paused",
        says=f"{told(count)} jobs wait for what is paused: {some(names)}."
        if count
        else f"Paused, and no job waits for it: {some(names)}."
        if names
        else "Nothing is paused.",
        means="They wait until somebody resumes it.",
        do="python manage.py jobs resume TASK, or --queue QUEUE",
        figure=count,
        unit="jobs",
    )


def _abandoned() -> Iterator[Finding]:
    known = list(backends())
    waiting: JobQuerySet = Job.objects.using(alias()).unfinished().exclude(backend__in=known)
    count = counted(waiting)
    names = waiting.order_by("backend").values_list("backend", flat=True).distinct() if count else []
    yield judged(
        bool(count),
        about="jobs.backends",
        says=f"{told(count)} jobs are of backends that TASKS does not have here: {some(names)}."
        if count
        else "Every job that is not finished is of a backend that TASKS has.",
        means="A worker of such a backend cannot be started with these settings.",
        do="Put the backend back into TASKS, or cancel its jobs: python manage.py jobs cancel --backend NAME",
        figure=count,
        unit="jobs",
    )


def _failed() -> Iterator[Finding]:
    today = Job.objects.using(alias()).filter(finished_at__gt=DatabaseNow() - _DAY)
    count = counted(today.failed().exclude(outcome=Outcome.CANCELLED))
    ended = today.order_by()[: count * _FAILING + 1].count() if count else 0
    yield judged(
        0 < ended <= count * _FAILING,
        about="jobs.failed",
        says=f"{told(count)} jobs failed within a day" + (f", of at least {ended:,} that ended." if count else "."),
        means=f"That is one of {_FAILING} or more.",
        do="python manage.py jobs list --status failed; then jobs show ID",
        figure=count,
        unit="jobs",
    )
