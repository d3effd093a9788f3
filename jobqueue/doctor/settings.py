"""What `manage.py check` says of the settings: the first thing to put right."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.checks import ERROR

from ..backend import backends
from ..checks import check_backend
from .finding import Finding, Level, judged
from .looks import Look


def looks() -> Iterator[Look]:
    """Yield the one look."""
    yield Look(about="settings", at=_settings)


def _settings() -> Iterator[Finding]:
    found = backends().values()
    names = ", ".join(backend.alias for backend in found) or "none"
    yield judged(
        Level.OK if found else Level.PROBLEM,
        about="settings.backends",
        says=f"Backends of jobqueue in TASKS: {names}.",
        means="Nothing that is enqueued becomes a job of jobqueue.",
        do="Set BACKEND of an entry of TASKS to 'jobqueue.backend.JobQueueBackend'.",
        figure=len(found),
        unit="backends",
    )
    messages = {(message.id, message.msg): message for backend in found for message in check_backend(backend)}
    for message in messages.values():
        yield Finding(
            about=f"settings.{message.id}",
            level=Level.PROBLEM if message.level >= ERROR else Level.WARNING,
            says=str(message.msg),
            means="The settings are not as jobqueue needs them.",
            do=str(message.hint or ""),
        )
