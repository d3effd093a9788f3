"""fail, crash: an attempt ended badly; the job waits for another or is FAILED. Each has a budget of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from django.db import connections, transaction
from django.db.models import Case, CharField, Exists, F, Value, When
from django.tasks import TaskResultStatus

from .. import sessions
from ..database import DatabaseNow, alias, by_primary_key
from ..fence import Fence
from ..fields import storable
from ..ledger import delivery_scope
from ..models import Attempt, Job, LedgerEntry, Outcome
from ..points import reached
from .attempts import end_attempt

# A delay that no database can add to its clock would keep the failure from being written down.
_LONGEST_DELAY = 10 * 365 * 24 * 3600.0


class Failure(NamedTuple):
    """Why an attempt failed, and in how many seconds the next may start; None for never."""

    outcome: Outcome
    exception_class: str
    traceback: str
    retry_in: float | None


def fail(fence: Fence, failure: Failure) -> TaskResultStatus | None:
    """RUNNING → READY or FAILED after a failure of the body; return the new status, None when the job is not ours.

    May be said again when the connection broke before the answer came.
    """
    return _end(fence, failure, failures=F("failures") + 1)


def crash(fence: Fence, failure: Failure) -> TaskResultStatus | None:
    """RUNNING → READY or FAILED after the death of the process; as fail(), charged to the crash budget."""
    return _end(fence, failure, crashes=F("crashes") + 1)


def _end(fence: Fence, failure: Failure, **charged: Any) -> TaskResultStatus | None:
    again = failure.retry_in is not None
    status = TaskResultStatus.READY if again else TaskResultStatus.FAILED
    changes: dict[str, Any] = {"status": status, "outcome": failure.outcome, "token": None, **charged}
    if again:
        changes["due_at"] = DatabaseNow() + timedelta(seconds=max(0.0, min(failure.retry_in or 0.0, _LONGEST_DELAY)))
    else:
        changes |= {"finished_at": DatabaseNow(), "outcome": _unless_in_doubt(fence, failure.outcome)}
    connection = connections[alias()]
    with transaction.atomic(using=connection.alias), by_primary_key(connection):
        sessions.commit_soon(connection)
        held = Job.objects.using(connection.alias).running().filter(pk=fence.job_id, token=fence.token)
        if not held.update(**changes):
            return status if _was_said(fence, failure) else None
        reached("fail.before-attempt")
        end_attempt(fence, failure.outcome, exception_class=failure.exception_class, traceback=failure.traceback)
        reached("fail.before-commit")
    return status


def _unless_in_doubt(fence: Fence, outcome: Outcome) -> Any:
    """Return why a job has failed for good: whatever it was, a delivery of unknown fate has to be decided first."""
    intents = LedgerEntry.objects.using(alias()).filter(scope=delivery_scope(fence.job_id), value__isnull=True)
    return Case(When(Exists(intents), then=Value(Outcome.IN_DOUBT)), default=Value(outcome), output_field=CharField())


def _was_said(fence: Fence, failure: Failure) -> bool:
    """Return whether this very end of this claim is on record; no other verb ends a claim with these words."""
    ended = Attempt.objects.using(alias()).filter(job_id=fence.job_id, token=fence.token, ended_at__isnull=False)
    return ended.filter(outcome=failure.outcome, exception_class=storable(failure.exception_class)[:255]).exists()
