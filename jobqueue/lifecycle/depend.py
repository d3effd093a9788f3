"""depend: writes down what a job waits for, in the transaction that creates it; and answers who waits for whom.

Nobody can wait for a job that is not there yet, nor for itself: so no two jobs ever wait for each other.
No row of an earlier job is locked here. Whoever enqueues may keep a transaction open for long, and meanwhile earlier
jobs have to be able to end; that nobody saw them be waited for is found out afterwards, by judge().
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import batched
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, OuterRef, Q
from django.tasks import TaskResultStatus

from .. import ledger
from ..database import alias, by_primary_key
from ..errors import UnknownDependency
from ..models import Dependency, Gate, Job
from ..points import reached
from ..task import JobTask

_LOT = 500


def depend(connection: BaseDatabaseWrapper, jobs: Sequence[tuple[UUID, JobTask]]) -> None:
    """Write down what these new jobs wait for, and put them behind a gate, in the transaction that has inserted them.

    Nothing is in the way of one whose earlier jobs have all succeeded. Raises UnknownDependency when one is not there.
    """
    reached("enqueue.before-dependencies")
    rows = (
        Dependency(job_id=job_id, after_id=UUID(after), position=position, on_failure=task.on_failure)
        for job_id, task in jobs
        for position, after in enumerate(task.after)
    )
    for lot in batched(rows, _LOT):
        Dependency.objects.using(connection.alias).bulk_create(lot)
    done = {after: _have_succeeded(connection, after) for after in {task.after for _, task in jobs}}
    waiting = [job_id for job_id, task in jobs if not done[task.after]]
    with by_primary_key(connection):
        for lot_of_ids in batched(waiting, _LOT):
            Job.objects.using(connection.alias).filter(pk__in=lot_of_ids).update(gate=Gate.AFTER)


def _have_succeeded(connection: BaseDatabaseWrapper, after: Sequence[str]) -> bool:
    wanted = {UUID(one) for one in after}
    found = {pk: status for lot in batched(wanted, _LOT) for pk, status in _statuses(connection, lot)}
    for one in wanted - found.keys():
        if (status := remembered_status(one)) is None:
            raise UnknownDependency(
                f"There is no job {one} to wait for: it was enqueued into another database, or in a transaction that "
                "is not committed, or it was pruned. Nothing was enqueued."
            )
        found[one] = status
    return set(found.values()) <= {TaskResultStatus.SUCCESSFUL}


def _statuses(connection: BaseDatabaseWrapper, ids: Sequence[UUID]) -> Iterable[tuple[UUID, str]]:
    return Job.objects.using(connection.alias).filter(pk__in=ids).order_by().values_list("pk", "status")


def remembered_status(job_id: UUID) -> str | None:
    """Return with what status a job ended that was pruned, if the ledger remembers it."""
    kept = ledger.remembered(job_id)
    return kept.get("status") if isinstance(kept, dict) else None


def any_dependencies() -> bool:
    """Return whether any job waits, or has waited, for another; where none does, nobody need look any further."""
    return Dependency.objects.using(alias()).exists()


def is_behind_others(job_id: UUID) -> bool:
    """Return whether a job was enqueued to wait for others."""
    return Dependency.objects.using(alias()).filter(job_id=job_id).exists()


def are_behind_others(job_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of some jobs that were enqueued to wait for others."""
    if not job_ids:
        return set()
    rows = Dependency.objects.using(alias()).filter(job_id__in=job_ids).order_by()
    return set(rows.values_list("job_id", flat=True))


def waiting_for(ended: Sequence[UUID], *, limit: int = _LOT) -> list[UUID]:
    """Return up to ``limit`` of the jobs that wait for any of these."""
    rows = Dependency.objects.using(alias()).filter(after_id__in=ended)
    waits = Job.objects.using(alias()).ready().filter(pk=OuterRef("job_id"), gate=Gate.AFTER)
    found = rows.filter(Exists(waits)).order_by("job_id").values_list("job_id", flat=True)
    return list(found.distinct()[:limit])


def not_waited_for() -> Q:
    """Return the condition that nobody will ask a job for its result: all that waits, or has waited, for it succeeded.

    One that has failed may be retried for as long as it is there.
    """
    may_ask = Job.objects.using(alias()).exclude(status=TaskResultStatus.SUCCESSFUL).filter(pk=OuterRef("job_id"))
    rows = Dependency.objects.using(alias()).filter(after_id=OuterRef("pk"))
    return ~Q(Exists(rows.filter(Exists(may_ask))))
