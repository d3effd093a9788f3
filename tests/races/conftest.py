"""Two actors for each race; what they commit is flushed after the test."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.races.actors import Actor


@pytest.fixture
def stage(transactional_db: None) -> Generator[list[Actor]]:
    """Have the actors leave together: one of them may still be waiting for another."""
    actors = [Actor(), Actor()]
    yield actors
    for actor in actors:
        actor.leave()
    for actor in actors:
        actor.join()


@pytest.fixture
def anna(stage: list[Actor]) -> Actor:
    """Give an actor."""
    return stage[0]


@pytest.fixture
def bert(stage: list[Actor]) -> Actor:
    """Give another actor."""
    return stage[1]
