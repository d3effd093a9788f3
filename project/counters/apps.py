"""The Django app: connects the signal that enqueues, and has late writes be as the environment asks."""

from __future__ import annotations

from django.apps import AppConfig


class CountersConfig(AppConfig):
    """A counter that must be right, and the jobs that raise it."""

    name = "project.counters"

    def ready(self) -> None:
        """Connect the receivers; the app registry has to be ready for that."""
        from . import late, signals  # noqa: F401  (importing signals connects them)

        late.allow_if_asked()
