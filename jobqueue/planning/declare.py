"""schedule(): what the code declares. A note in this process, which workers write into the table when they start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from ..conf import suggestion
from ..errors import InvalidSchedule
from ..spans import seconds_of
from ..task import JobTask
from .plan import Plan, default_time_zone

_OPTIONS = frozenset({"starts_at", "ends_at", "queue", "priority", "missed", "most", "grace"})
_declared: dict[str, Plan] = {}


def schedule(
    name: str,
    task: JobTask,
    *,
    cron: str = "",
    every: float | timedelta | None = None,
    time_zone: str | None = None,
    args: Iterable[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """Have a task enqueued again and again; say so at the top level of a module that declares tasks.

    name: names the schedule, for ever: with another name it is another one.
    cron: minute, hour, day of month, month, day of week, read in ``time_zone`` (an IANA name; None is TIME_ZONE).
    every: whole seconds, or a timedelta, between two ticks; counted from ``starts_at``, or from when a worker first
        read this.
    args, kwargs: the arguments, as JSON has them.
    starts_at, ends_at: aware datetimes before and after which it does not happen.
    queue, priority: instead of those of the task.
    missed: what of ticks that no worker was there for: "last" makes up for all of them once (the default), "skip" drops
        what is later than ``grace`` (60) seconds, "all" makes up for each of the last ``most`` (10).

    Raises InvalidSchedule, saying what to do.
    """
    if not isinstance(task, JobTask):
        raise InvalidSchedule(f"schedule({name!r}, …) takes a task of jobqueue, declared with @task, not {task!r}.")
    for option in set(options) - _OPTIONS:
        hint = suggestion(option, _OPTIONS | {"cron", "every", "time_zone", "args", "kwargs"})
        raise InvalidSchedule(f"schedule({name!r}, …) got an unknown option {option!r}.{hint}")
    seconds: Any = seconds_of(every)
    plan = Plan(
        name=name,
        task_path=task.module_path,
        arguments=_as_json({"args": list(args), "kwargs": dict(kwargs or {})}),
        cron=" ".join(cron.split()) if isinstance(cron, str) else cron,
        every=int(seconds) if isinstance(seconds, float) and seconds.is_integer() else seconds,
        time_zone=time_zone or default_time_zone(),
        **options,
    )
    for mistake in plan.mistakes().values():
        raise InvalidSchedule(f"schedule({name!r}, …): {mistake}")
    if _declared.setdefault(name, plan) != plan:
        raise InvalidSchedule(f"schedule({name!r}, …) is declared twice, and not in the same way: give each its name.")


def _as_json(arguments: dict[str, Any]) -> Any:
    """Return arguments as a row gives them back; what is no JSON as it is, for mistakes() to complain of."""
    try:
        return json.loads(json.dumps(arguments))
    except (TypeError, ValueError, RecursionError):
        return arguments


def declared() -> dict[str, Plan]:
    """Return the schedules that were declared in this process, by name."""
    return dict(sorted(_declared.items()))
