"""One stage for the simulations of a process, whatever database the suite is run on."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

from tests.simulation.stage import Stage, stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the simulations to the run on SQLite: theirs is always SQLite, so the others would only repeat it."""
    if os.environ.get("DATABASE_URL", "sqlite").startswith("sqlite"):
        return
    here = os.path.dirname(__file__)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.skip(reason="the simulated database is SQLite: simulated once, in that run"))


@pytest.fixture(scope="module")
def theatre(django_db_blocker: Any) -> Generator[Stage]:
    """Give a stage, on which plans are run."""
    with django_db_blocker.unblock(), stage() as opened:
        yield opened
