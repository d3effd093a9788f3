"""What an operator does: retry, cancel, copy jobs, a lot in a transaction; decide jobs; pause queues and tasks.

From a shell::

    from jobqueue import operations
    from jobqueue.models import Job

    operations.retry(Job.objects.failed().filter(task_path="shop.tasks.charge"))
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import batched
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DatabaseError, connections, transaction
from django.db.models import QuerySet

from . import copying, lifecycle
from .backend import follow, wake_workers
from .conf import Options, suggestion
from .database import alias, lock_only_what_matches
from .errors import UnknownTask, WrongState
from .lifecycle import Many
from .models import Job, JobQuerySet, PausedQueue, TaskDefinition
from .payload import dump_result
from .points import reached
from .sentences import Sentence, said

# A lot is one transaction, of some ten statements. Each of its jobs may have to be done by itself, which takes long.
_LOT = 100
_MOST_REASONS = 1000


@dataclass(slots=True)
class Report:
    """What came of it: to how many jobs it was done, to how many not, and why, in sentences for the first thousand.

    Of those that waited for these ``let_go`` may begin now and ``ended`` have ended, too, as far as is known: in a
    transaction of the caller they are judged when that commits, and of very many the rest is found by the workers.
    ``made`` are the ids of the first thousand new jobs, if any were made.
    """

    done: int = 0
    let_go: int = 0
    ended: int = 0
    passed_over: int = 0
    skipped: list[str] = field(default_factory=list)
    made: list[UUID] = field(default_factory=list)

    def skip(self, why: str) -> None:
        """Count a job to which it could not be done."""
        self.passed_over += 1
        if len(self.skipped) < _MOST_REASONS:
            self.skipped.append(why)

    def add(self, made: UUID) -> None:
        """Remember a job that was made."""
        if len(self.made) < _MOST_REASONS:
            self.made.append(made)


class Deed(NamedTuple):
    """What is done to jobs: to many of a lot, in one transaction, and to each that is left, in one of its own.

    The latter returns the id of a job that it has made.
    """

    many: Callable[[Sequence[Job]], Many]
    one: Callable[[Job], UUID | None]


def retry(jobs: JobQuerySet, *, at: datetime | None = None) -> Report:
    """Have failed jobs attempted again, with full budgets, now or ``at`` a later moment, in small lots."""

    def one(job: Job) -> None:
        lifecycle.retry(job.pk, at=at)

    return each(in_lots(jobs), Deed(lambda lot: lifecycle.retry_many([job.pk for job in lot], at=at), one), ends=False)


def cancel(jobs: JobQuerySet, *, by: str = "") -> Report:
    """Cancel jobs that wait or run; ``by`` is who did it, for the record of the attempt."""

    def one(job: Job) -> None:
        lifecycle.cancel(job.pk, by=by)

    return each(in_lots(jobs), Deed(lambda lot: lifecycle.cancel_many([job.pk for job in lot]), one), ends=True)


def run_now(jobs: JobQuerySet) -> Report:
    """Have jobs that wait for their time begin as soon as a worker has room; what else they wait for, they wait for."""

    def one(job: Job) -> None:
        lifecycle.hasten(job.pk)

    return each(in_lots(jobs), Deed(lambda _lot: Many(), one), ends=False)


def copy(jobs: JobQuerySet) -> Report:
    """Enqueue a new job for each, with its task, arguments, queue, priority, tags and backend: the code runs once more.

    No copy has an idempotency key. Jobs whose task is not known here, or does not take their arguments, are passed
    over, and those of unique tasks while one of the same call is there.
    """
    return each(in_lots(jobs), Deed(lambda _lot: Many(), lambda job: copying.copy(job.pk)), ends=False)


def was_done(job_id: UUID, step: str | None = None, *, receipt: Any = None, by: str = "") -> str:
    """Say that a delivery in doubt happened: the job goes on with ``receipt`` (JSON). Return the name of the step.

    ``by`` is who says so. Without a step it is the only one in doubt. Raises WrongState when the job is not FAILED or
    nothing of it is in doubt, and InvalidResult for a receipt that is not JSON.
    """
    text = dump_result(receipt, limit=Options().max_result_bytes, who="The receipt is")
    known = None if text is None else json.loads(text)
    return _decide(job_id, lambda: lifecycle.was_done(job_id, step, receipt=known, by=by))


def do_again(job_id: UUID, step: str | None = None) -> str:
    """Say that a delivery in doubt did not happen: the job goes on, and delivers. Otherwise as was_done()."""
    return _decide(job_id, lambda: lifecycle.do_again(job_id, step))


def _decide(job_id: UUID, act: Callable[[], str]) -> str:
    step = act()
    for backend, queue in Job.objects.using(alias()).filter(pk=job_id).values_list("backend", "queue"):
        wake_workers(backend, [queue])
    return step


def pause_queue(name: str, *, backend: str = "default") -> bool:
    """Let no job of a queue begin, on any worker; those that run go on. Return False when it was paused already."""
    return PausedQueue.objects.using(alias()).get_or_create(backend=backend, name=name)[1]


def resume_queue(name: str, *, backend: str = "default") -> bool:
    """Let jobs of a queue begin again; return False when it was not paused."""
    resumed = PausedQueue.objects.using(alias()).filter(backend=backend, name=name).delete()[0]
    wake_workers(backend, [name])
    return bool(resumed)


def pause_task(path: str) -> bool:
    """Let no job of a task begin, on any worker; those that run go on. Return False when it was paused already.

    Raises UnknownTask when no worker has told of such a task.
    """
    return bool(_definition(path).filter(paused=False).update(paused=True))


def resume_task(path: str) -> bool:
    """Let jobs of a task begin again; return False when it was not paused. Raises as pause_task() does."""
    definition = _definition(path)
    resumed = definition.filter(paused=True).update(paused=False)
    for backend, queue in definition.values_list("backend", "queue"):
        wake_workers(backend, [queue])
    return bool(resumed)


def _definition(path: str) -> QuerySet[TaskDefinition]:
    definitions = TaskDefinition.objects.using(alias())
    if not definitions.filter(path=path).exists():
        known = list(definitions.values_list("path", flat=True))
        if not known:
            raise UnknownTask(f"No worker has told of any task yet, so not of {path!r}: start one with runworkers.")
        raise UnknownTask(f"No worker has told of a task {path!r}.{suggestion(path, known)}")
    return definitions.filter(path=path)


def each(lots: Iterable[Sequence[Job]], deed: Deed, *, ends: bool) -> Report:
    """Do something to the jobs of each lot that ends them or has them due again; where it cannot be, the others go on.

    Workers are woken at the end, and what waits for these jobs is judged then: one of them may be among the next.
    """
    report, ended, made = Report(), list[UUID](), set[UUID]()
    queues: dict[str, set[str]] = defaultdict(set)
    for whole in lots:
        # Ids go by the clock of whoever enqueued, so new ones may come before those that were there.
        lot = [job for job in whole if job.pk not in made]
        together = _together(lot, deed)
        for job in lot:
            if job.pk in together.refused:
                report.skip(together.refused[job.pk])
            elif job.pk in together.done or _alone(job, deed, report, made):
                report.done += 1
                if ends:
                    ended.append(job.pk)
                else:
                    queues[job.backend].add(job.queue)
    for backend, names in queues.items():
        wake_workers(backend, sorted(names))
    for some in batched(ended, _LOT):
        transaction.on_commit(partial(_follow, some, report), using=alias(), robust=True)
    return report


def _together(lot: Sequence[Job], deed: Deed) -> Many:
    if len(lot) < 2:
        return Many()
    lock_only_what_matches(connections[alias()])
    try:
        with transaction.atomic(using=alias()):
            many = deed.many(lot)
            reached("lot.before-commit")
    except DatabaseError:
        # One by one they show which of them it was.
        return Many()
    reached("lot.after")
    return many


def _alone(job: Job, deed: Deed, report: Report, made: set[UUID]) -> bool:
    """Do it to one job; return whether it was done, note what it made, and report why when it was not done."""
    try:
        with transaction.atomic(using=alias()):
            new = deed.one(job)
    except WrongState as error:
        report.skip(said(error))
    except DatabaseError as error:
        report.skip(Sentence("Job %(job)s: the database refused it: %(error)s", job=job.pk, error=error))
    else:
        if new is not None:
            made.add(new)
            report.add(new)
        return True
    return False


def _follow(ended: Sequence[UUID], report: Report) -> None:
    judged = follow(ended)
    report.let_go += len(judged.opened)
    report.ended += len(judged.ended)


def in_lots(jobs: JobQuerySet) -> Iterator[list[Job]]:
    """Yield lots of jobs by id, those that were there at the beginning: no transaction is kept open for them."""
    jobs = jobs.using(alias()).order_by("pk").only("pk", "backend", "queue", "task_path")
    last = jobs.values_list("pk", flat=True).last()
    while last is not None and (lot := list(jobs.filter(pk__lte=last)[:_LOT])):
        yield lot
        jobs = jobs.filter(pk__gt=lot[-1].pk)


def lots_of(jobs: Iterable[Job]) -> Iterator[Sequence[Job]]:
    """Yield lots of jobs that were named, in that order."""
    return batched(jobs, _LOT)
