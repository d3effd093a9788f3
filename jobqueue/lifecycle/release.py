"""release: RUNNING → READY, handed back uncharged: a worker stops, or never came to run what it had claimed."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias
from ..fence import Fence
from ..models import Job, Outcome
from .attempts import end_attempt


def release(fences: Sequence[Fence], *, started: bool) -> int:
    """Hand claimed jobs back and return how many were ours.

    ``started`` says whether their bodies had begun; a claim whose body never began leaves no attempt behind. Neither
    costs the job anything.
    """
    released = 0
    for fence in sorted(fences):
        with transaction.atomic(using=alias()):
            held = Job.objects.using(alias()).running().filter(pk=fence.job_id, token=fence.token)
            if held.update(
                status=TaskResultStatus.READY, outcome=Outcome.RELEASED, token=None, due_at=DatabaseNow()
            ):
                released += 1
                if started:
                    end_attempt(fence, Outcome.RELEASED)
    return released
