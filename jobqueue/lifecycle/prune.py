"""prune: finished jobs go, in small batches. What was enqueued under a key stays known in the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias, impatient, lock_only_what_matches, take_write_lock
from ..ledger import keep_result, schedule_scope, scopes_of
from ..models import Attempt, AttemptLog, Dependency, Job, JobQuerySet, LedgerEntry, Outcome, Worker
from ..points import reached
from ..strict import MAX_DEPTH, Unreadable, levels_beyond
from .depend import any_dependencies, not_waited_for
from .tag import untag


def prunable(backend: str, *, older_than: timedelta, of: Q | None = None) -> JobQuerySet:
    """Return the jobs of a backend that finished so long ago or longer, or those ``of`` them; none that is in doubt.

    Nor one for which a job waits, or has waited, that has not succeeded: it may ask for its result yet.
    """
    finished = Job.objects.using(alias()).finished().exclude(outcome=Outcome.IN_DOUBT)
    if any_dependencies():
        finished = finished.filter(not_waited_for())
    return finished.filter(of or Q(), backend=backend, finished_at__lte=DatabaseNow() - older_than)


def prune(backend: str, *, older_than: timedelta, of: Q | None = None, limit: int = 500) -> int:
    """Delete up to ``limit`` of the jobs that are prunable; return how many went."""
    connection = connections[alias()]
    lock_only_what_matches(connection)
    with impatient(connection):
        take_write_lock(connection)
        skip = connection.features.has_select_for_update_skip_locked
        old = prunable(backend, older_than=older_than, of=of)
        found = old.order_by("finished_at").select_for_update(skip_locked=skip).values_list("id", "idempotency_key")
        ids = {job_id: key is not None for job_id, key in found[:limit]}
        _keep_results([job_id for job_id, keyed in ids.items() if keyed])
        reached("prune.before-steps")
        scopes = [scope for job_id in ids for scope in scopes_of(job_id)]
        _delete(LedgerEntry.objects.using(connection.alias).filter(scope__in=scopes))
        _delete(Attempt.objects.using(connection.alias).filter(job_id__in=ids))
        _delete(AttemptLog._default_manager.using(connection.alias).filter(job_id__in=ids))
        untag(connection, ids)
        if any_dependencies():
            _delete(Dependency.objects.using(connection.alias).filter(job_id__in=ids))
        reached("prune.before-jobs")
        Job.objects.using(connection.alias).filter(pk__in=ids).delete()
        reached("prune.before-commit")
    reached("prune.after")
    return len(ids)


def prune_keys(*, limit: int = 500) -> int:
    """Delete up to ``limit`` keys whose time is over and whose job has ended; return how many went.

    The tick of a FAILED job is kept as long as the job: retried, it asks for it.
    """
    expired = LedgerEntry.objects.using(alias()).filter(expires_at__lt=DatabaseNow()).order_by()
    job = Job.objects.using(alias()).filter(pk=OuterRef("job_id"))
    ticked = Q(scope__startswith=schedule_scope(""))
    needed = Exists(job.unfinished()) | ticked & Exists(job.failed())
    # Two statements: MySQL would wait for locked jobs in a DELETE that looks at them.
    ids = list(expired.exclude(needed).order_by("expires_at").values_list("pk", flat=True)[:limit])
    return expired.filter(pk__in=ids).delete()[0] if ids else 0


def prune_workers(*, older_than: timedelta) -> int:
    """Delete the rows of workers that gave their last sign of life longer ago than that and own no running job."""
    gone = Worker.objects.using(alias()).filter(heartbeat_at__lt=DatabaseNow() - older_than)
    # Two statements: MySQL would wait for locked jobs in a DELETE that looks at them.
    owners = set(Job.objects.using(alias()).running().order_by().values_list("worker_id", flat=True).distinct())
    ids = [worker_id for worker_id in gone.order_by().values_list("id", flat=True) if worker_id not in owners]
    reached("forget.before")
    forgotten = gone.filter(pk__in=ids).delete()[0]
    reached("forget.after")
    return forgotten


def _delete(rows: QuerySet[Any]) -> None:
    """Delete rows by their ids: MariaDB and MySQL scan a small table for anything else, and wait for rows that stay."""
    ids = list(rows.order_by().values_list("pk", flat=True))
    if ids:
        rows.model._default_manager.using(rows.db).filter(pk__in=ids).delete()


def _keep_results(ids: Sequence[UUID]) -> None:
    if not ids:
        return
    attempts: dict[UUID, list[Attempt]] = defaultdict(list)
    for attempt in Attempt.objects.using(alias()).filter(job_id__in=ids).order_by("number"):
        attempts[attempt.job_id].append(attempt)
    for job in Job.objects.using(alias()).filter(pk__in=ids).iterator(chunk_size=20):
        assert job.idempotency_key is not None
        keep_result(job.task_path, job.idempotency_key, job.pk, snapshot(job, attempts[job.pk]))


def snapshot(job: Job, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """Return what the ledger keeps of a finished job: enough to answer a repeated enqueue with its result."""
    workers = [attempt.worker_id for attempt in attempts if attempt.worker_id and attempt.outcome != Outcome.RELEASED]
    if job.status == TaskResultStatus.SUCCESSFUL and job.attempt not in {attempt.number for attempt in attempts}:
        workers.append(job.worker_id)
    return {
        "task_path": job.task_path,
        "backend": job.backend,
        "queue": job.queue,
        "priority": job.priority,
        # Whoever asks for the result of a job whose row was bad has to be told so, also later.
        "arguments": job.arguments if _is_ours(job.arguments) and _is_ours(job.result) else None,
        "status": job.status,
        "outcome": job.outcome,
        "result": job.result if _is_ours(job.result) else None,
        "worker_ids": workers,
        "errors": [
            {"exception_class_path": attempt.exception_class, "traceback": attempt.traceback}
            for attempt in attempts
            if attempt.exception_class
        ],
        **{
            name: value.isoformat() if (value := getattr(job, name)) else None
            for name in ("enqueued_at", "first_started_at", "started_at", "finished_at")
        },
    }


def _is_ours(value: Any) -> bool:
    """Return whether jobqueue could have written a value, so that it can be stored within another."""
    return not isinstance(value, Unreadable) and not levels_beyond(value, MAX_DEPTH)
