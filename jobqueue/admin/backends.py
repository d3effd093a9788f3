"""What the settings of this process know: the backends of jobqueue, their queues, and the tasks that are declared."""

from __future__ import annotations

from functools import cache

from django.tasks import task_backends
from django.tasks.exceptions import InvalidTaskBackend

from ..backend import JobQueueBackend
from ..errors import UnknownTask
from ..task import JobTask, discover, find, registered


def backend_of(alias: str) -> JobQueueBackend | None:
    """Return the backend of that alias; None when a row names one that is not, or no longer, ours."""
    try:
        backend = task_backends[alias]
    except InvalidTaskBackend:
        return None
    return backend if isinstance(backend, JobQueueBackend) else None


def backends() -> dict[str, JobQueueBackend]:
    """Return the backends of jobqueue by alias."""
    return {alias: backend for alias in sorted(task_backends) if (backend := backend_of(alias))}


def task_of(path: str) -> JobTask | None:
    """Return the task of that path; None when this process has no such task. Nothing is imported by the path."""
    _discover_once()
    try:
        return find(path)
    except UnknownTask:
        return None


def task_paths() -> list[str]:
    """Return the paths of the tasks that are declared in this process."""
    _discover_once()
    return [task.module_path for task in registered()]


@cache
def _discover_once() -> None:
    # A web process may not have imported every module of tasks; workers do, and what they know is not unknown.
    discover()
