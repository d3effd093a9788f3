"""From rows to Django's TaskResult; nothing else builds one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from itertools import batched
from typing import Any
from uuid import UUID

from django.tasks import TaskResult, TaskResultStatus
from django.tasks.base import TaskError
from django.tasks.exceptions import TaskResultDoesNotExist
from django.utils.json import normalize_json

from . import ledger
from .database import alias
from .errors import InvalidRow
from .lifecycle.claim import Claim
from .models import Attempt, Dependency, Job, Outcome
from .payload import call_of, load_arguments
from .result_types import JobError, JobResult
from .strict import Unreadable
from .task import JobTask, find

_SET = {field.name: getattr(TaskResult, field.name).__set__ for field in fields(TaskResult)}
_OWN = ("id", "args", "kwargs", "errors", "worker_ids")
_LOT = 500
_PLAIN = frozenset({str, int, float, bool, type(None)})


def get(result_id: str) -> TaskResult:
    """Return the result of a job, from its row or from what the ledger remembers of it.

    Raises TaskResultDoesNotExist when neither knows the id, UnknownTask when its task is not registered here, and
    InvalidRow when somebody else has written to the row.
    """
    try:
        job_id = UUID(result_id)
    except (ValueError, AttributeError, TypeError):
        raise TaskResultDoesNotExist(f"{result_id!r} is not the id of a job.") from None
    job = Job.objects.using(alias()).filter(pk=job_id).first()
    if job is not None:
        return of_job(job)
    return _of_pruned(job_id, ledger.remembered(job_id))


def earlier(ids: Iterable[str]) -> dict[str, TaskResult]:
    """Return the results of jobs that an enqueue has found, by id, in few statements; raises as get() does."""
    found: dict[str, TaskResult] = {}
    for lot in batched(map(UUID, sorted(set(ids))), _LOT):
        jobs = Job.objects.using(alias()).in_bulk(lot)
        attempts: dict[UUID, list[Attempt]] = defaultdict(list)
        for attempt in Attempt.objects.using(alias()).filter(job_id__in=jobs).order_by("number"):
            attempts[attempt.job_id].append(attempt)
        kept = ledger.remembered_of([job_id for job_id in lot if job_id not in jobs])
        for job_id in lot:
            job = jobs.get(job_id)
            result = _of_rows(job, attempts[job_id]) if job else _of_pruned(job_id, kept.get(job_id))
            object.__setattr__(result, "_enqueued_before", True)
            found[str(job_id)] = result
    return found


def _of_pruned(job_id: UUID, kept: Any) -> TaskResult:
    if kept is None:
        raise TaskResultDoesNotExist(f"There is no job {job_id}; it may have been pruned.")
    return _of_remembered(job_id, kept)


def of_job(job: Job) -> TaskResult:
    """Return the result of a job as its rows tell it now."""
    return _of_rows(job, list(Attempt.objects.using(alias()).filter(job_id=job.pk).order_by("number")))


def _of_rows(job: Job, attempts: list[Attempt]) -> TaskResult:
    # A record without an owner is of no attempt: it tells why the job was never begun.
    workers = [a.worker_id for a in attempts if a.worker_id and a.outcome != Outcome.RELEASED]
    # A claim leaves no record of its own before its first renewal: the job's row tells of it.
    told = any(a.number == job.attempt for a in attempts)
    if job.status in (TaskResultStatus.RUNNING, TaskResultStatus.SUCCESSFUL) and not told:
        workers.append(job.worker_id)
    later = job.status == TaskResultStatus.READY and not job.attempt and job.due_at > job.enqueued_at
    args, kwargs = call_of(job.arguments, job.pk)
    result: TaskResult = JobResult(
        task=find(job.task_path).stored(
            backend=job.backend,
            queue_name=job.queue,
            priority=job.priority,
            run_after=job.due_at if later else None,
            idempotency_key=job.idempotency_key,
        ),
        id=str(job.pk),
        status=_status(job.status, job.pk),
        enqueued_at=job.enqueued_at,
        started_at=job.first_started_at,
        last_attempted_at=job.started_at,
        finished_at=job.finished_at,
        args=args,
        kwargs=kwargs,
        backend=job.backend,
        errors=_errors(attempts),
        worker_ids=workers,
    )
    object.__setattr__(result, "_return_value", _readable(job.result, job.pk))
    return result


def handed_on(job_id: UUID) -> list[Any]:
    """Return what the jobs have returned for which a job has waited, in the order in which they were named.

    None stands for one that failed. Raises InvalidRow when somebody else has written to a row, and
    TaskResultDoesNotExist for a job that was pruned and is not remembered.
    """
    named = Dependency.objects.using(alias()).filter(job_id=job_id).order_by("position")
    ids = list(named.values_list("after_id", flat=True))
    values: dict[UUID, Any] = {}
    for lot in batched(dict.fromkeys(ids), 500):
        values.update(Job.objects.using(alias()).filter(pk__in=lot).order_by().values_list("pk", "result"))
    for one in ids:
        if one not in values:
            values[one] = getattr(get(str(one)), "_return_value")  # noqa: B009  (a private name of another class)
    return [_readable(values[one], one) for one in ids]


def progress(job_id: UUID) -> dict[str, Any] | None:
    """Return how far the last attempt of a job said it was; None when it said nothing."""
    last = Attempt.objects.using(alias()).filter(job_id=job_id).order_by("-number", "-pk").values("progress").first()
    told = last and last["progress"]
    return told if isinstance(told, dict) else None


def _status(status: str, job_id: UUID) -> TaskResultStatus:
    try:
        return TaskResultStatus(status)
    except ValueError:
        raise InvalidRow(f"Job {job_id} has a status that is none: {status!r}.") from None


def _readable(value: Any, job_id: UUID) -> Any:
    if isinstance(value, Unreadable):
        raise InvalidRow(f"The result in the row of job {job_id} was not written by jobqueue: {value.why}.")
    return value


def of_new(task: JobTask, job_id: UUID | str, enqueued_at: datetime | None, args: Any, kwargs: Any) -> TaskResult:
    """Return the result of a job that was enqueued just now."""
    return JobResult(
        task=task,
        id=str(job_id),
        status=TaskResultStatus.READY,
        enqueued_at=enqueued_at,
        started_at=None,
        last_attempted_at=None,
        finished_at=None,
        args=args,
        kwargs=kwargs,
        backend=task.backend,
        errors=[],
        worker_ids=[],
    )


def of_new_many(
    task: JobTask, ids: Iterable[str], calls: Iterable[tuple[list[Any], dict[str, Any]]]
) -> list[TaskResult]:
    """Return the results of jobs that were enqueued just now, which own their arguments from now on."""
    template = of_new(task, "", None, [], {})
    shared = [(set_value, getattr(template, name)) for name, set_value in _SET.items() if name not in _OWN]
    set_id, set_args, set_kwargs, set_errors, set_workers = (_SET[name] for name in _OWN)
    made = list[TaskResult]()
    for job_id, (args, kwargs) in zip(ids, calls, strict=True):
        # The constructor takes three times as long, much of it to look for what is not JSON.
        result = object.__new__(JobResult)
        for set_value, value in shared:
            set_value(result, value)
        set_id(result, job_id)
        set_args(result, args if _PLAIN.issuperset(map(type, args)) else normalize_json(args))
        set_kwargs(result, kwargs if _PLAIN.issuperset(map(type, kwargs.values())) else normalize_json(kwargs))
        set_errors(result, [])
        set_workers(result, [])
        made.append(result)
    return made


def of_claim(task: JobTask, claim: Claim, worker_id: str) -> TaskResult:
    """Return the result of a job that was claimed just now; the first attempt needs no look at the database."""
    if claim.attempt > 1:
        return get(str(claim.job_id))
    args, kwargs = load_arguments(claim.arguments, claim.job_id)
    return JobResult(
        task=task.stored(
            backend=task.backend,
            queue_name=claim.queue,
            priority=claim.priority,
            run_after=None,
            idempotency_key=None,
        ),
        id=str(claim.job_id),
        status=TaskResultStatus.RUNNING,
        enqueued_at=claim.enqueued_at,
        started_at=claim.first_started_at,
        last_attempted_at=claim.started_at,
        finished_at=None,
        args=args,
        kwargs=kwargs,
        backend=task.backend,
        errors=[],
        worker_ids=[worker_id],
    )


def _errors(attempts: Iterable[Attempt]) -> list[TaskError]:
    return [
        JobError(exception_class_path=a.exception_class, traceback=a.traceback) for a in attempts if a.exception_class
    ]


def _of_remembered(job_id: UUID, kept: Any) -> TaskResult:
    try:
        return _of_kept(job_id, kept)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InvalidRow):
            raise
        raise InvalidRow(f"What the ledger keeps of job {job_id} was not written by jobqueue: {error!r}.") from None


def _of_kept(job_id: UUID, kept: dict[str, Any]) -> TaskResult:
    args, kwargs = call_of(kept["arguments"], job_id)
    moment = {
        name: datetime.fromisoformat(kept[name]) if kept[name] else None
        for name in ("enqueued_at", "first_started_at", "started_at", "finished_at")
    }
    result: TaskResult = JobResult(
        task=find(kept["task_path"]).stored(
            backend=kept["backend"], queue_name=kept["queue"], priority=kept["priority"], run_after=None
        ),
        id=str(job_id),
        status=TaskResultStatus(kept["status"]),
        enqueued_at=moment["enqueued_at"],
        started_at=moment["first_started_at"],
        last_attempted_at=moment["started_at"],
        finished_at=moment["finished_at"],
        args=args,
        kwargs=kwargs,
        backend=kept["backend"],
        errors=[JobError(**error) for error in kept.get("errors", [])],
        worker_ids=kept["worker_ids"],
    )
    object.__setattr__(result, "_return_value", kept["result"])
    return result
