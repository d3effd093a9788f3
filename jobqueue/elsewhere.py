"""Callers whose transaction is on another database than the jobs: what has to be so, and what follows its COMMIT."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

from django.db import connections, transaction
from django.db.transaction import TransactionManagementError
from django.tasks.exceptions import InvalidTask

from . import ledger, lifecycle
from .current import writing_here
from .database import alias
from .task import JobTask


def open_transaction(task: JobTask) -> str | None:
    """Return the alias of another database for whose COMMIT a job of that task has to wait; mostly there is none.

    Raises InvalidTask for what cannot wait, and NotMigrated when that database has no ledger.
    """
    database = task.commit_on
    if database is None or database == alias():
        return None
    if task.idempotency_key is not None or task.unique is not None:
        raise InvalidTask(
            "Others are answered with a job that is unique or has an idempotency key, and this one would be gone if "
            f"the transaction on {database!r} were undone: leave out that, or commit_on."
        )
    if task.after:
        raise InvalidTask(
            "A job waits at one gate: for others, or for a COMMIT. Once those have ended it could begin, or be "
            f"cancelled, while the transaction on {database!r} may still be open: leave out after, or commit_on."
        )
    connection = connections[database]
    if not connection.in_atomic_block:
        if not connection.get_autocommit():
            raise TransactionManagementError("A job cannot wait for a transaction that was not opened by atomic().")
        return None
    ledger.require(connection)
    return database


def refuse_many(tasks: Iterable[JobTask]) -> None:
    """Raise InvalidTask when any of many jobs would have to wait."""
    if any(open_transaction(task) is not None for task in tasks):
        raise InvalidTask("enqueue_many() cannot wait for a COMMIT on another database: enqueue them one by one.")


def on_commit(task: JobTask, job_id: UUID, wake: Callable[[Iterable[str]], None]) -> None:
    """Have the job go on once the caller's transaction is committed; failing this, a worker's judge sees to it."""

    def go_on() -> None:
        with writing_here():
            lifecycle.open_gate(job_id)
        if task.run_after is None:
            wake([task.queue_name])

    transaction.on_commit(go_on, using=task.commit_on, robust=True)
