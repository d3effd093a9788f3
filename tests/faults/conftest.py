"""A small world for each test to break."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.faults.world import World
from tests.processes import WorkerProcess


@pytest.fixture
def world_on(start_worker: Callable[..., WorkerProcess], tmp_path: Path) -> Generator[Callable[[str], World]]:
    """Give `world_on(backend)`; in the end all jobs are let go, so that no worker is kept."""
    worlds: list[World] = []

    def make(backend: str) -> World:
        worlds.append(World(tmp_path, start_worker, backend))
        return worlds[-1]

    yield make
    for world in worlds:
        world.let_go()


@pytest.fixture
def world(world_on: Callable[[str], World], backend_alias: str) -> World:
    """Give a world on each of the two backends in turn: with leases in Redis, and in the database alone."""
    return world_on(backend_alias)
