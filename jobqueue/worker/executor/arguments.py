"""Says what has changed when a task does not take the arguments of a job: it was enqueued by another version of it.

Nothing is checked before a call: only a TypeError of the call itself, which never came into the body, is looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature, unwrap
from types import TracebackType
from typing import Any

from ...errors import ArgumentsChanged
from ...task import JobTask


def change_of(
    error: TypeError, task: JobTask, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> ArgumentsChanged | None:
    """Return what to fail a job with whose arguments do not fit; None when the error is about anything else."""
    function = unwrap(task.func)
    # So the interpreter says it of a call, and no frame of the function was ever made.
    if not str(error).startswith(f"{getattr(function, '__qualname__', None)}() ") or _came_into(
        function, error.__traceback__
    ):
        return None
    told = _told(function, 1 if task.takes_context else 0, args, kwargs)
    if not told:
        return None
    return ArgumentsChanged(
        f"{task.module_path}() {' and '.join(told)}: the job was enqueued by another version of the code. Deploy one "
        "that takes what such jobs have for as long as they wait (a new parameter needs a default, an old one stays), "
        "then retry the job; or enqueue it anew."
    )


def _came_into(function: Callable[..., Any], trace: TracebackType | None) -> bool:
    code = getattr(function, "__code__", None)
    while trace is not None:
        if trace.tb_frame.f_code is code:
            return True
        trace = trace.tb_next
    return False


def _told(function: Callable[..., Any], own: int, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[str]:
    """Return what does not fit, each as a part of a sentence; the first ``own`` parameters are not the job's."""
    parameters = list(signature(function).parameters.values())[own:]
    positional = [p for p in parameters if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)]
    by_name = {p.name for p in parameters if p.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)}
    nameless = {p.name for p in positional} - by_name
    kinds = {p.kind for p in parameters}
    count = len(args) - own
    told = []
    if count > len(positional) and Parameter.VAR_POSITIONAL not in kinds:
        plural = "" if len(positional) == 1 else "s"
        told.append(f"takes {len(positional)} positional argument{plural}, the job has {count}")
    if Parameter.VAR_KEYWORD not in kinds:
        told += [f"takes {name!r} by position only" for name in kwargs if name in nameless]
        told += [f"no longer takes {name!r}" for name in kwargs if name not in by_name | nameless]
    given = {p.name for p in positional[:count]}
    told += [f"gets {name!r} twice, by position and by name" for name in kwargs if name in given & by_name]
    told += [
        f"now needs {p.name!r}"
        for p in parameters
        if p.default is Parameter.empty
        and p.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        and p.name not in given
        and p.name not in kwargs
    ]
    return told
