"""Queues that are backends of django.tasks."""

from __future__ import annotations

from typing import Any

from ..app import tasks

TASKS: dict[str, Any] = {name: getattr(tasks, name) for name in ("noop", "bump", "stamp", "snooze", "die")}


def enqueue(name: str, *args: Any) -> None:
    """Enqueue one job."""
    TASKS[name].enqueue(*args)
