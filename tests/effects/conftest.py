"""Runs jobs in the test's own process, by the code that runs them in an executor."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator

import pytest

from tests.effects.emptied import transactional_db as transactional_db
from tests.effects.runs import Run, Stage
from tests.races.actors import Actor


@pytest.fixture
def stage(transactional_db: None) -> Generator[Stage]:
    """Give an executor without a process of its own."""
    before = signal.getsignal(signal.SIGUSR1)
    yield Stage()
    signal.signal(signal.SIGUSR1, before)


@pytest.fixture
def perform(stage: Stage) -> Callable[..., Run]:
    """Give `perform(body, *arguments, effects=…)`: runs a job whose body is that function."""
    return stage.perform


@pytest.fixture
def rival(stage: Stage) -> Generator[Actor]:
    """Give somebody else, with a connection and transactions of their own."""
    actor = Actor()
    yield actor
    actor.leave()
    actor.join()
