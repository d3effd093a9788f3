"""fail, crash: an attempt ended badly; the job waits for another or is FAILED. Failures and crashes have budgets apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias
from ..fence import Fence
from ..models import Job, Outcome
from .attempts import end_attempt


class Failure(NamedTuple):
    """Why an attempt failed, and in how many seconds the next may start; None for never."""

    outcome: Outcome
    exception_class: str
    traceback: str
    retry_in: float | None


def fail(fence: Fence, failure: Failure) -> TaskResultStatus | None:
    """RUNNING → READY or FAILED after a failure of the body; return the new status, None when the job is not ours."""
    return _end(fence, failure, failures=F("failures") + 1)


def crash(fence: Fence, failure: Failure) -> TaskResultStatus | None:
    """RUNNING → READY or FAILED after the death of the process; as fail(), charged to the crash budget."""
    return _end(fence, failure, crashes=F("crashes") + 1)


def _end(fence: Fence, failure: Failure, **charged: Any) -> TaskResultStatus | None:
    again = failure.retry_in is not None
    status = TaskResultStatus.READY if again else TaskResultStatus.FAILED
    changes: dict[str, Any] = {"status": status, "outcome": failure.outcome, "token": None, **charged}
    if again:
        changes["due_at"] = DatabaseNow() + timedelta(seconds=failure.retry_in or 0)
    else:
        changes["finished_at"] = DatabaseNow()
    with transaction.atomic(using=alias()):
        held = Job.objects.using(alias()).running().filter(pk=fence.job_id, token=fence.token)
        if not held.update(**changes):
            return None
        end_attempt(
            fence, failure.outcome, exception_class=failure.exception_class, traceback=failure.traceback
        )
    return status
