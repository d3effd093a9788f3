"""The tasks for every queue that is a backend of django.tasks: jobqueue, django-tasks-db, django-ox."""

from __future__ import annotations

from django.tasks import task

from .. import bodies


@task
def noop() -> None:
    """Do nothing."""
    bodies.noop()


@task
def bump() -> None:
    """Raise the counter."""
    bodies.bump()


@task
def stamp(sent: float) -> None:
    """Note how long it took to get here."""
    bodies.stamp(sent)


@task
def snooze(seconds: float) -> None:
    """Sleep."""
    bodies.snooze(seconds)


@task
def die() -> None:
    """Kill the process."""
    bodies.die()
