"""Fixtures for tests that hold a drill."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.drill.drills import Drill


@pytest.fixture
def drill(db: None) -> Generator[Callable[..., Drill]]:
    """Give `drill(*arguments, env=None)`, which starts a drill; it is ended with the test."""
    with ExitStack() as stack:

        def start(*arguments: str, env: dict[str, str] | None = None) -> Drill:
            # Not pytest's tmp_path, whose long names leave no room for a socket's.
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="jobqueue-"))
            held = Drill(Path(directory), *arguments, env=env)
            stack.callback(held.end)
            return held

        yield start
