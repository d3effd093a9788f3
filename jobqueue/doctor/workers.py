"""Workers: whether there are any, whether they serve what waits, and whether they are of one kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Count

from .. import __version__
from ..backend import JobQueueBackend, backends
from ..database import DatabaseNow, alias, connection
from ..lifecycle import ready_queues
from ..models import Gate, Job, JobQuerySet, PausedQueue, TaskDefinition, Worker
from ..spelling import on_one_line
from .finding import Finding, Level, judged
from .looks import Look

COUNT_AT_MOST = 10_000
_NAMED = 5


def looks() -> Iterator[Look]:
    """Yield the looks."""
    needs = frozenset({"database", "tables"})
    yield Look(about="workers.alive", at=_alive, needs=needs)
    yield Look(about="workers.queues", at=_unserved, needs=needs)
    yield Look(about="workers.tasks", at=_unknown, needs=needs)
    yield Look(about="workers.kinds", at=_kinds, needs=needs)


def alive(backend: JobQueueBackend | None = None) -> list[Worker]:
    """Return the workers that are alive as the rescue judges it, of one backend or of all."""
    rows = Worker.objects.using(alias()).filter(stopped_at=None).annotate(now=DatabaseNow())
    workers = rows if backend is None else rows.filter(backend=backend.alias)
    return [it for it in workers if (it.now - it.heartbeat_at).total_seconds() <= it.lease_seconds]


def due() -> JobQuerySet:
    """Return the jobs that a worker could take now."""
    jobs: JobQuerySet = Job.objects.using(alias()).ready().due().filter(gate=Gate.OPEN)
    return jobs


def counted(jobs: JobQuerySet) -> int:
    """Return how many there are, up to COUNT_AT_MOST and one more."""
    return int(jobs.order_by()[: COUNT_AT_MOST + 1].count())


def told(count: int) -> str:
    """Return a count of counted() for people."""
    return f"more than {COUNT_AT_MOST:,}" if count > COUNT_AT_MOST else f"{count:,}"


def some(names: Iterable[object]) -> str:
    """Return the first few names on one line."""
    texts = [on_one_line(str(name)) for name in names]
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more


def _alive() -> Iterator[Finding]:
    for backend in backends().values():
        workers = alive(backend)
        waiting = 0 if workers else counted(due().filter(backend=backend.alias))
        yield judged(
            Level.PROBLEM if waiting else not workers,
            about="workers.alive",
            says=f"Backend {backend.alias!r} has {len(workers)} live worker{'' if len(workers) == 1 else 's'}"
            + (f", and {told(waiting)} jobs are due." if waiting else "."),
            means="Nothing runs until there is one.",
            do=f"Start one: python manage.py runworkers --backend {backend.alias}",
            figure=len(workers),
            unit="workers",
        )


def _unserved() -> Iterator[Finding]:
    paused = set(PausedQueue.objects.using(alias()).values_list("backend", "name"))
    found: list[tuple[str, str]] = []
    for backend in backends().values():
        workers = alive(backend)
        if workers:  # Without any that is what has been told.
            queues = ready_queues(connection(), backend.alias)
            found += [(backend.alias, it) for it in queues if not any(worker.serves(it) for worker in workers)]
    found = [it for it in found if it not in paused]
    count = sum(counted(due().filter(backend=backend, queue=queue)) for backend, queue in found)
    names = some(f"{queue} ({backend})" for backend, queue in found)
    yield judged(
        Level.PROBLEM if found else Level.OK,
        about="workers.queues",
        says=f"No live worker serves {names}, with {count:,} due jobs."
        if found
        else "Every queue with due jobs is served.",
        means="These jobs wait for ever.",
        do="Start a worker with --queues that has them in it, or all.",
        figure=count,
        unit="jobs",
    )


def _unknown() -> Iterator[Finding]:
    definitions = TaskDefinition.objects.using(alias()).in_bulk()
    found: dict[str, int] = {}
    for backend in backends().values():
        workers = alive(backend)
        if not workers:
            continue
        waiting = Job.objects.using(alias()).ready().filter(backend=backend.alias).order_by()
        for path, count in waiting.values_list("task_path").annotate(count=Count("pk")):
            if path not in definitions or not definitions[path].is_declared_by(workers):
                found[path] = found.get(path, 0) + count
    yield judged(
        Level.PROBLEM if found else Level.OK,
        about="workers.tasks",
        says=f"No live worker knows {some(sorted(found))}, with {sum(found.values()):,} waiting jobs."
        if found
        else "Every task with waiting jobs is known to a worker.",
        means="These jobs stay READY: a task that was renamed or removed, or code that is not deployed yet.",
        do="Deploy a version that has the task, or cancel its jobs: python manage.py jobs cancel --task PATH",
        figure=sum(found.values()),
        unit="jobs",
    )


def _kinds() -> Iterator[Finding]:
    workers = alive()
    versions = sorted({worker.version for worker in workers} | {__version__})
    yield judged(
        len(versions) > 1,
        about="workers.versions",
        says=f"Versions of jobqueue in use, this one among them: {some(versions)}.",
        means="A deployment is under way, or a worker was forgotten by it.",
        do="Restart the workers of the old version.",
        figure=len(versions),
        unit="versions",
    )
    leases = {backend.alias: backend.settings.lease_seconds for backend in backends().values()}
    other = [worker for worker in workers if worker.lease_seconds != leases.get(worker.backend)]
    names = some(f"{worker.id} {worker.lease_seconds:g} s" for worker in other)
    yield judged(
        bool(other),
        about="workers.leases",
        says=f"Leases differ from LEASE_SECONDS of this process: {names}."
        if other
        else "All live workers have the LEASE_SECONDS of this process.",
        means="Each worker is judged by its own, so nothing is unsafe; but they have other settings than this process.",
        do="Restart the workers, or look which settings they have.",
        figure=len(other),
        unit="workers",
    )
