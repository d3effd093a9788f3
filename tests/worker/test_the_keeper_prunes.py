"""What is old goes, however much of it there is, but not at the cost of the keeper's other work."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from django.db import OperationalError, connection
from django.tasks import task_backends

from jobqueue import lifecycle
from jobqueue.backend import JobQueueBackend
from jobqueue.models import Job
from jobqueue.worker import keeper as module
from jobqueue.worker.keeper import Keeper
from jobqueue.worker.timekeeper import Timekeeper
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Keeper:
    """Give one that prunes at once, in lots of 5, and of which everything that has finished is old."""
    for _ in range(12):
        rows.enqueue()
    for claim in rows.claim(limit=12):
        lifecycle.succeed(connection, claim.fence, None)
    monkeypatch.setattr(module, "_PRUNE_LOT", 5)
    options = replace(cast(JobQueueBackend, task_backends["default"]).settings, retention_days=0.0)
    keeper = Keeper("default", "me", None, options, woken=lambda: None)
    keeper._next_prune = 0.0
    return keeper


def test_all_that_is_old_goes_in_one_look(keeper: Keeper) -> None:
    keeper.tick()
    assert Job.objects.count() == 0


def test_a_look_ends_in_time_and_the_next_one_goes_on(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PRUNE_AT_MOST_SECONDS", -1.0)
    keeper.tick()
    assert Job.objects.count() == 7
    keeper.tick()
    assert Job.objects.count() == 2


@pytest.mark.parametrize("verb", ["prune", "prune_keys", "prune_workers", "prune_limits"])
def test_what_somebody_has_locked_holds_up_nothing_else(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    def locked(*_args: object, **_options: object) -> int:
        error = OperationalError("database is locked")
        error.__cause__ = Locked("55P03" if connection.vendor == "postgresql" else 1205)
        raise error

    monkeypatch.setattr(lifecycle, verb, locked)
    looked = list[bool]()
    keeper._timekeeper = cast(Timekeeper, SimpleNamespace(look=lambda *, at_most: looked.append(True) or at_most))
    keeper._next_forget = 0.0
    keeper.tick()
    assert looked
    assert Job.objects.count() == (12 if verb == "prune" else 0)


class Locked(Exception):
    """What a driver raises. It names the error by the first of its arguments, or by its SQLSTATE."""

    def __init__(self, code: object) -> None:
        super().__init__(code)
        self.sqlstate = code if connection.vendor == "postgresql" else None
