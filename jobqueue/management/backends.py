"""`--backend`: which backend of jobqueue a command is about."""

from __future__ import annotations

from django.core.management.base import CommandError
from django.tasks import task_backends
from django.tasks.exceptions import InvalidTaskBackend

from ..backend import JobQueueBackend, backends
from ..conf import suggestion


def backend_named(name: str) -> JobQueueBackend:
    """Return the backend of a TASKS alias; raises CommandError when it is none of jobqueue, or has bad OPTIONS."""
    try:
        backend = task_backends[name] if name in task_backends.settings else None
    except InvalidTaskBackend as error:
        raise CommandError(str(error), returncode=2) from error
    if not isinstance(backend, JobQueueBackend):
        raise CommandError(f"TASKS[{name!r}] is no JobQueueBackend.{suggestion(name, backends())}", returncode=2)
    return backend
