"""From rows to Django's TaskResult; nothing else builds one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.tasks import TaskResult, TaskResultStatus
from django.tasks.base import TaskError
from django.tasks.exceptions import TaskResultDoesNotExist
from django.utils.json import normalize_json

from . import ledger
from .database import alias
from .lifecycle.claim import Claim
from .models import Attempt, Job, Outcome
from .task import JobTask, find

_SET = {field.name: getattr(TaskResult, field.name).__set__ for field in fields(TaskResult)}
_OWN = ("id", "args", "kwargs", "errors", "worker_ids")
_PLAIN = frozenset({str, int, float, bool, type(None)})


def get(result_id: str) -> TaskResult:
    """Return the result of a job, from its row or from what the ledger remembers of it.

    Raises TaskResultDoesNotExist when neither knows the id, UnknownTask when its task is not registered here.
    """
    try:
        job_id = UUID(result_id)
    except (ValueError, AttributeError, TypeError):
        raise TaskResultDoesNotExist(f"{result_id!r} is not the id of a job.") from None
    job = Job.objects.using(alias()).filter(pk=job_id).first()
    if job is not None:
        return of_job(job)
    kept = ledger.remembered(job_id)
    if kept is None:
        raise TaskResultDoesNotExist(f"There is no job {result_id}; it may have been pruned.")
    return _of_remembered(job_id, kept)


def of_job(job: Job) -> TaskResult:
    """Return the result of a job as its rows tell it now."""
    attempts = list(Attempt.objects.using(alias()).filter(job_id=job.pk).order_by("number"))
    workers = [a.worker_id for a in attempts if a.outcome != Outcome.RELEASED]
    # A claim leaves no record of its own before its first renewal: the job's row tells of it.
    told = any(a.number == job.attempt for a in attempts)
    if job.status in (TaskResultStatus.RUNNING, TaskResultStatus.SUCCESSFUL) and not told:
        workers.append(job.worker_id)
    later = job.status == TaskResultStatus.READY and not job.attempt and job.due_at > job.enqueued_at
    result: TaskResult = TaskResult(
        task=find(job.task_path).stored(
            backend=job.backend,
            queue_name=job.queue,
            priority=job.priority,
            run_after=job.due_at if later else None,
            idempotency_key=job.idempotency_key,
        ),
        id=str(job.pk),
        status=TaskResultStatus(job.status),
        enqueued_at=job.enqueued_at,
        started_at=job.first_started_at,
        last_attempted_at=job.started_at,
        finished_at=job.finished_at,
        args=job.arguments["args"],
        kwargs=job.arguments["kwargs"],
        backend=job.backend,
        errors=_errors(attempts),
        worker_ids=workers,
    )
    object.__setattr__(result, "_return_value", job.result)
    return result


def of_new(task: JobTask, job_id: UUID | str, enqueued_at: datetime | None, args: Any, kwargs: Any) -> TaskResult:
    """Return the result of a job that was enqueued just now."""
    return TaskResult(
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
    made = []
    for job_id, (args, kwargs) in zip(ids, calls, strict=True):
        # The constructor takes three times as long, much of it to look for what is not JSON.
        result = object.__new__(TaskResult)
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
    arguments = json.loads(claim.arguments)
    return TaskResult(
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
        args=arguments["args"],
        kwargs=arguments["kwargs"],
        backend=task.backend,
        errors=[],
        worker_ids=[worker_id],
    )


def _errors(attempts: Iterable[Attempt]) -> list[TaskError]:
    return [
        TaskError(exception_class_path=a.exception_class, traceback=a.traceback) for a in attempts if a.exception_class
    ]


def _of_remembered(job_id: UUID, kept: dict[str, Any]) -> TaskResult:
    moment = {
        name: datetime.fromisoformat(kept[name]) if kept[name] else None
        for name in ("enqueued_at", "first_started_at", "started_at", "finished_at")
    }
    result: TaskResult = TaskResult(
        task=find(kept["task_path"]).stored(
            backend=kept["backend"], queue_name=kept["queue"], priority=kept["priority"], run_after=None
        ),
        id=str(job_id),
        status=TaskResultStatus(kept["status"]),
        enqueued_at=moment["enqueued_at"],
        started_at=moment["first_started_at"],
        last_attempted_at=moment["started_at"],
        finished_at=moment["finished_at"],
        args=kept["arguments"]["args"],
        kwargs=kept["arguments"]["kwargs"],
        backend=kept["backend"],
        errors=[TaskError(**error) for error in kept.get("errors", [])],
        worker_ids=kept["worker_ids"],
    )
    object.__setattr__(result, "_return_value", kept["result"])
    return result
