"""Sugar over ``using(after=…)``: jobs one after the other, and side by side. All of it could be done by enqueue()."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.tasks import TaskResult

from .database import alias


class TaskCall(NamedTuple):
    """A call that is still to be enqueued: see call()."""

    task: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def call(task: Any, /, *args: Any, **kwargs: Any) -> TaskCall:
    """Return a call of a task, for chain() and group(). The task may be one that using() returned."""
    return TaskCall(task, args, kwargs)


def group(*calls: TaskCall, after: Iterable[Any] = ()) -> list[TaskResult]:
    """Enqueue calls whose jobs run side by side, all or none; return their results in that order.

    They wait for the jobs ``after``, if any. For a job that waits for all of them, give it what this returns:
    ``total.using(after=group(…)).enqueue()``. Raises as enqueue() does.
    """
    earlier = list(after)
    with transaction.atomic(using=alias()):
        return [_enqueue(one, earlier) for one in calls]


def chain(*stages: TaskCall | Sequence[TaskCall]) -> TaskResult:
    """Enqueue calls whose jobs run one after the other, each if the one before has succeeded; return the last result.

    A list of calls is a stage whose jobs run side by side, and what follows waits for all of them; an empty one is
    passed over, and the last stage is one call. All are enqueued or none. In a body, ``current_job().results`` has what
    the stage before returned. Raises as enqueue() does, and TypeError for a chain without an end.
    """
    if not stages or not isinstance(stages[-1], TaskCall):
        raise TypeError("chain() takes calls, or lists of calls, and ends with one call: chain(call(a, 1), call(b)).")
    results: list[TaskResult] = []
    with transaction.atomic(using=alias()):
        for stage in stages:
            # What would wait for nobody would begin before all that came before.
            results = group(*([stage] if isinstance(stage, TaskCall) else stage), after=results) or results
    return results[0]


def _enqueue(one: TaskCall, earlier: list[Any]) -> TaskResult:
    task, args, kwargs = one
    if earlier:
        task = task.using(after=[*task.after, *earlier])
    result: TaskResult = task.enqueue(*args, **kwargs)
    return result
