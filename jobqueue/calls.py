"""A call as it is about to be stored: its task with the values of this one call, its arguments, its keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.tasks.exceptions import InvalidTask

from . import limits, payload
from .errors import InvalidUniqueKey
from .task import Call, JobTask


class NewCall(NamedTuple):
    """A call that was looked at and may be stored. `text` is its arguments as JSON; they were given as the others."""

    task: JobTask
    text: str
    unique_key: str | None
    args: list[Any]
    kwargs: dict[str, Any]
    limit_key: str = ""


def new_call(task: JobTask, args: Iterable[Any], kwargs: dict[str, Any], *, limit: int) -> NewCall:
    """Return a call of a task with at most ``limit`` bytes of arguments; raises when it cannot be stored."""
    args, kwargs = list(args), dict(kwargs)
    text = payload.dump_arguments(args, kwargs, limit=limit)
    return NewCall(task, text, _unique_key(task, text, args, kwargs), args, kwargs, limits.key_of(task, args, kwargs))


def new_calls(task: JobTask, calls: Iterable[Call], *, limit: int) -> list[NewCall]:
    """Return calls of a task, each with values of its own if it has any; errors name the call in a note."""
    made: list[NewCall] = []
    for args, kwargs, *values in calls:
        try:
            made.append(new_call(_with_values(task, *values), args, kwargs, limit=limit))
        except Exception as error:
            error.add_note(f"This is about calls[{len(made)}]. Nothing was enqueued.")
            raise
    return made


def _with_values(task: JobTask, values: dict[str, Any] | None = None) -> JobTask:
    if not values:
        return task
    if "backend" in values:
        raise InvalidTask("enqueue_many() stores all of its calls in one backend: use task.using(backend=…).")
    return task.using(**values)


def _unique_key(task: JobTask, text: str, args: list[Any], kwargs: dict[str, Any]) -> str | None:
    """Return the fingerprint of what makes a call the same as another; None for a task of which none is."""
    if task.unique is None:
        return None
    if task.unique_key is None:
        return payload.fingerprint(task.module_path, text)
    try:
        key: object = task.unique_key(*args, **kwargs)
    except Exception as error:
        raise InvalidUniqueKey(
            f"The unique_key of {task.module_path} cannot be told: {type(error).__name__} was raised by it, which gets "
            "the arguments of the call. Nothing was enqueued."
        ) from error
    if not isinstance(key, str):
        raise InvalidUniqueKey(
            f"The unique_key of {task.module_path} has to return a text, not {type(key).__qualname__}. "
            "Nothing was enqueued."
        )
    return payload.key_fingerprint(task.module_path, key)
