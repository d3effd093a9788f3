"""release: RUNNING → READY, handed back uncharged: a worker stops, or never came to run what it had claimed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import connections, transaction
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias, by_primary_key
from ..fence import Fence
from ..models import Job, Outcome
from .attempts import end_attempt, forget_attempt


def release(fences: Sequence[Fence], *, started: bool, delay: float = 0.0) -> int:
    """Hand claimed jobs back, due again in ``delay`` seconds, and return how many were ours.

    ``started`` says whether their bodies had begun; a claim whose body never began leaves no attempt behind. Neither
    costs the job anything.
    """
    return sum(_release(fence, started, timedelta(seconds=delay)) for fence in sorted(fences))


def _release(fence: Fence, started: bool, delay: timedelta) -> bool:
    connection = connections[alias()]
    with transaction.atomic(using=connection.alias), by_primary_key(connection):
        held = Job.objects.using(connection.alias).running().filter(pk=fence.job_id, token=fence.token)
        if not held.update(
            status=TaskResultStatus.READY, outcome=Outcome.RELEASED, token=None, due_at=DatabaseNow() + delay
        ):
            return False
        if started:
            end_attempt(fence, Outcome.RELEASED)
        else:
            forget_attempt(fence)
        return True
