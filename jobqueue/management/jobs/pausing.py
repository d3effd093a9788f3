"""Verbs that pause and resume tasks and queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from ... import operations
from ...conf import suggestion
from ...errors import UnknownTask
from ..backends import backend_named
from .verbs import Answer, Verbs


def add(verbs: Verbs) -> None:
    """Declare them."""
    for name, text, act in (
        ("pause", "Let no job of these tasks and queues begin; those that run go on.", _pause),
        ("resume", "Let jobs of these tasks and queues begin again.", _resume),
    ):
        pausing = verbs.add(name, text, act)
        pausing.add_argument("tasks", nargs="*", metavar="task", help="The path of a task.")
        pausing.add_argument("--queue", action="append", default=[], help="A queue; repeatable.")
        pausing.add_argument("--backend", default="default", help="Whose queues (default: default).")


def _pause(options: dict[str, Any]) -> Answer:
    return _set(options, "paused", operations.pause_task, operations.pause_queue)


def _resume(options: dict[str, Any]) -> Answer:
    return _set(options, "resumed", operations.resume_task, operations.resume_queue)


def _set(options: dict[str, Any], word: str, task: Callable[[str], bool], queue: Callable[..., bool]) -> Answer:
    tasks, queues = options["tasks"], options["queue"]
    if not tasks and not queues:
        raise CommandError("Name tasks by their paths, or queues by --queue.", returncode=2)
    backend = backend_named(options["backend"])
    for name in queues:
        if backend.queues and name not in backend.queues:
            raise CommandError(f"There is no queue {name!r}.{suggestion(name, backend.queues)}", returncode=2)
    try:
        for path in tasks:
            task(path)
    except UnknownTask as error:
        raise CommandError(str(error), returncode=2) from error
    for name in queues:
        queue(name, backend=backend.alias)
    lines = [*(f"{path} is {word}." for path in tasks), *(f"Queue {name} is {word}." for name in queues)]
    return Answer({word: {"tasks": tasks, "queues": queues}}, "\n".join(lines))
