"""jobqueue."""

from __future__ import annotations

from typing import Any

from .django_tasks import TASKS, enqueue

__all__ = ["bulk", "enqueue"]


def bulk(name: str, args: list[tuple[Any, ...]]) -> None:
    """Enqueue many jobs at once."""
    TASKS[name].enqueue_many([(each, {}) for each in args])
