"""Two or three actors for each race; what they commit is flushed after the test."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.races.actors import Actor, cast


@pytest.fixture
def anna(transactional_db: None) -> Generator[Actor]:
    """Give an actor."""
    with cast(1) as (actor,):
        yield actor


@pytest.fixture
def bert(transactional_db: None) -> Generator[Actor]:
    """Give another actor."""
    with cast(1) as (actor,):
        yield actor
