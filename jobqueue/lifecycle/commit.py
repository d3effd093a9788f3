"""Jobs that wait for a transaction on another database: inserted behind a gate, which its COMMIT opens.

Two databases have no transaction in common. So the caller's transaction carries a *marker*, an entry in the ledger of
its own database, and the job waits on the jobs' database until it is known what became of that. The marker comes first:
once there is a job, its marker is in a transaction that is open, was committed, or was undone. Which of these it is can
be asked at any time, by anybody, and without a clock: who enters the same key finds it there, waits for it, or is let
in, and only in the last case can the transaction never commit any more what it meant to.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, Value, When
from django.tasks import TaskResultStatus

from .. import ledger
from ..database import (
    alias,
    by_primary_key,
    gave_way,
    impatient,
    new_id,
    wait_for_writers,
)
from ..models import Gate, Job
from ..points import reached
from ..task import JobTask
from .create import Created, insert
from .gates import gate_behind
from .tag import tag, untag

_PATIENCE_SECONDS = 1.0


def create_waiting(task: JobTask, arguments: str, *, limit_key: str = "", database: str) -> Created:
    """Insert a job that waits for the COMMIT of the caller's transaction on another alias.

    It is there at once, for all to see, and goes again when that transaction is undone.
    """
    job_id, connection = new_id(), connections[alias()]
    reached("commit.before-marker")
    ledger.mark_commit(connections[database], job_id)
    reached("commit.before-job")
    with transaction.atomic(using=connection.alias):
        created = insert(connection, task, job_id, arguments, limit_key=limit_key, gate=Gate.COMMIT)
        ledger.wait_for_commit(connection, job_id, database=database)
        if task.tags:
            tag(connection, [(job_id, task)])
    reached("commit.after-job")
    return created


def open_gate(job_id: UUID) -> None:
    """Let a job go on, to the gate of its limit if it has one, whose caller has committed; others may have done so."""
    connection = connections[alias()]
    reached("commit.before-open")
    with transaction.atomic(using=connection.alias), by_primary_key(connection):
        Job.objects.using(connection.alias).filter(pk=job_id, gate=Gate.COMMIT).update(gate=_gate_behind())
        ledger.waited_for_commit(connection, job_id)
    reached("commit.after-open")


def _gate_behind() -> Case:
    # One that was cancelled meanwhile comes to no gate.
    return Case(When(status=TaskResultStatus.READY, then=gate_behind()), default=Value(Gate.OPEN))


def drop(job_id: UUID) -> None:
    """Delete a job whose caller's transaction was undone, for it never was."""
    connection = connections[alias()]
    reached("commit.before-drop")
    with transaction.atomic(using=connection.alias):
        if Job.objects.using(connection.alias).filter(pk=job_id, gate=Gate.COMMIT).delete()[0]:
            untag(connection, [job_id])
        ledger.waited_for_commit(connection, job_id)
    reached("commit.after-drop")


def waiting_for_commit(*, older_than: timedelta, limit: int) -> list[tuple[UUID, str]]:
    """Return the jobs that have waited for longer than that, each with the alias it waits for; the oldest first."""
    return ledger.waiting_for_commit(connections[alias()], older_than=older_than, limit=limit)


def judge_commit(job_id: UUID, *, database: str) -> bool | None:
    """Open a job's gate and return True, or delete it and return False; None when its caller's transaction is open."""
    committed = _is_committed(connections[database], job_id)
    if committed is None:
        return None
    if committed:
        open_gate(job_id)
    else:
        drop(job_id)
    return committed


def _is_committed(connection: BaseDatabaseWrapper, job_id: UUID) -> bool | None:
    if ledger.is_marked(connection, job_id):
        return True
    try:
        with wait_for_writers(connection, _PATIENCE_SECONDS), impatient(connection):
            # It waits for a transaction that has entered the key, and goes by how that one ends.
            ledger.mark_commit(connection, job_id)
            transaction.set_rollback(True, using=connection.alias)
    except IntegrityError as error:
        if not ledger.is_duplicate(error):
            raise
        return True
    except OperationalError as error:
        # A deadlock, too, is with a transaction that is still open.
        if gave_way(connection, error):
            return None
        raise
    return False
