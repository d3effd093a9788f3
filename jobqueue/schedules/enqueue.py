"""The job of a schedule: whether there can be one, and how it is made."""

from __future__ import annotations

from django.tasks import TaskResult
from django.tasks.exceptions import TaskException

from ..errors import InvalidSchedule, JobQueueError
from ..planning import Plan
from ..sentences import said


def check(plan: Plan) -> None:
    """Return if nothing keeps a schedule from being done; raises InvalidSchedule otherwise."""
    for mistake in plan.mistakes().values():
        raise InvalidSchedule(mistake)


def enqueue(plan: Plan) -> TaskResult:
    """Enqueue the task of a schedule, with its arguments; raises InvalidSchedule for what the task does not take."""
    args, kwargs = plan.call()
    try:
        return plan.task().enqueue(*args, **kwargs)
    except (TaskException, JobQueueError) as error:
        raise InvalidSchedule(said(error)) from error
