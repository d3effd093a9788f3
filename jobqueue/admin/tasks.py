"""The tasks that are declared in this process, which need not know all that have rows."""

from __future__ import annotations

from functools import cache

from ..errors import UnknownTask
from ..planning import declared
from ..task import JobTask, discover, find, registered


def task_of(path: str) -> JobTask | None:
    """Return the task of that path; None when this process has no such task. Nothing is imported by the path."""
    _discover_once()
    try:
        return find(path)
    except UnknownTask:
        return None


def tasks_here() -> list[JobTask]:
    """Return the tasks that are declared in this process."""
    _discover_once()
    return registered()


def task_paths() -> list[str]:
    """Return their paths."""
    return [task.module_path for task in tasks_here()]


def is_declared_here(schedule: str) -> bool:
    """Return whether code of this process declares a schedule of that name."""
    _discover_once()
    return schedule in declared()


@cache
def _discover_once() -> None:
    # A web process may not have imported every module of tasks; workers do, and what they know is not unknown.
    discover()
