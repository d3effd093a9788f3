"""release: RUNNING → READY, handed back uncharged: a worker stops, or never came to run what it had claimed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import batched
from uuid import UUID

from django.db import connections, transaction
from django.tasks import TaskResultStatus

from ..database import DatabaseNow, alias, by_primary_key
from ..fence import Fence
from ..models import Job, Outcome
from ..points import reached
from .attempts import end_attempt, forget_attempts

_BATCH = 500


def release(fences: Sequence[Fence], *, started: bool, delay: float = 0.0) -> int:
    """Hand claimed jobs back, due again in ``delay`` seconds, and return how many were ours.

    ``started`` says whether their bodies had begun; a claim whose body never began leaves no attempt behind. Neither
    costs the job anything.
    """
    if started:
        return sum(_release(fence.token, [fence], timedelta(seconds=delay), _end) for fence in sorted(fences))
    claims: dict[UUID, list[Fence]] = defaultdict(list)
    for fence in sorted(fences):
        claims[fence.token].append(fence)
    return sum(
        _release(token, some, timedelta(seconds=delay), forget_attempts)
        for token, claimed in claims.items()
        for some in batched(claimed, _BATCH)
    )


def _release(token: UUID, fences: Sequence[Fence], delay: timedelta, record: Callable[[Sequence[Fence]], None]) -> int:
    """Hand jobs of one claim back, and record that if any of them was ours."""
    connection = connections[alias()]
    reached("release.before")
    with transaction.atomic(using=connection.alias), by_primary_key(connection):
        claimed = Job.objects.using(connection.alias).running().filter(token=token, pk__in=[f.job_id for f in fences])
        released = claimed.update(
            status=TaskResultStatus.READY, outcome=Outcome.RELEASED, token=None, due_at=DatabaseNow() + delay
        )
        if released:
            reached("release.before-attempt")
            record(fences)
        reached("release.before-commit")
    reached("release.after")
    return released


def _end(fences: Sequence[Fence]) -> None:
    for fence in fences:
        end_attempt(fence, Outcome.RELEASED)
