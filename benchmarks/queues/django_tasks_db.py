"""django-tasks-db; it has no bulk enqueue."""

from .django_tasks import enqueue

__all__ = ["enqueue"]
