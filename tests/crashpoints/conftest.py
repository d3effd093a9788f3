"""A nursery for the session, and a case for each test."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from django.db import connection

from tests.crashpoints.case import Case
from tests.crashpoints.children import Nursery


@pytest.fixture(scope="session")
def nursery(django_db_setup: None) -> Generator[Nursery]:
    """Give the process that forks the others."""
    nursery = Nursery(str(connection.settings_dict["NAME"]))
    yield nursery
    nursery.close()


@pytest.fixture
def case_on(transactional_db: None, nursery: Nursery, tmp_path: Path) -> Generator[Callable[[str], Case]]:
    """Give `case_on(backend)`; whoever is left in the end is ended, and what they wrote is shown if the test failed."""
    cases: list[Case] = []

    def make(backend: str) -> Case:
        cases.append(Case(nursery, tmp_path, backend))
        return cases[-1]

    yield make
    for case in cases:
        case.close()
        for child in case.children:
            print(f"── {child!r} ──\n{child.output}")
