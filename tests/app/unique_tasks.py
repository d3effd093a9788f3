"""Tasks of which there is one job at a time."""

from __future__ import annotations

from django.tasks import task

from tests.app.slow_tasks import hold


@task(unique="waiting")
def refresh(value: int = 0) -> int:
    """Return what it was given; one that waits is enough."""
    return value


@task(unique="active")
def sync(value: int = 0) -> int:
    """Return what it was given; one that waits or runs is enough."""
    return value


@task(unique="active", unique_key=lambda account, **_: account)
def sync_account(account: str, note: str = "") -> str:
    """Return a note; one job for each account is enough, whatever the note."""
    return f"{account}: {note}"


@task(unique="active")
def hold_alone(counter_id: int, file: str) -> None:
    """Wait, and add 1."""
    hold.func(counter_id, file)


@task(unique="waiting")
def hold_waiting(counter_id: int, file: str) -> None:
    """Wait, and add 1."""
    hold.func(counter_id, file)
