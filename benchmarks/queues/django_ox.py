"""django-ox."""

from __future__ import annotations

from typing import Any

from django_ox.bulk import enqueue_many

from .django_tasks import TASKS, enqueue

__all__ = ["bulk", "enqueue"]


def bulk(name: str, args: list[tuple[Any, ...]]) -> None:
    """Enqueue many jobs at once."""
    enqueue_many(TASKS[name], [(each, {}) for each in args])
