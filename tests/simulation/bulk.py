"""Many seeds, shared by several processes, each with a database of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterable
from typing import Any

import django

_LOT = 250


def run(first: int, number: int, jobs: int) -> int:
    """Run so many seeds, shared by some processes, and say how far they got; return the exit code."""
    set_up()
    from tests.simulation.tally import Tally

    tally, broken = Tally(), 0
    lots = [range(start, min(start + _LOT, first + number)) for start in range(first, first + number, _LOT)]
    # Each process has a database of its own.
    with multiprocessing.get_context("spawn").Pool(jobs, set_up) as pool:
        for part, failures in pool.imap_unordered(_lot, lots):
            tally.merge(part)
            broken += len(failures)
            for failure in failures:
                print(failure, flush=True)
    print(tally)
    print(f"{broken} of {tally.schedules:,} schedules broke a promise.")
    return int(broken > 0)


def _lot(seeds: Iterable[int]) -> tuple[Any, list[str]]:
    from tests.simulation.draw import random_plan
    from tests.simulation.stage import stage
    from tests.simulation.tally import Tally

    tally, failures = Tally(), []
    with stage() as theatre:
        for seed in seeds:
            simulation, error = theatre.attempt(random_plan(seed))
            tally.add(simulation)
            if error is not None:
                failures.append(f"SEED={seed}: {type(error).__name__}: {error}")
    return tally, failures


def set_up() -> None:
    """Load the settings; no server is asked for anything, so any address of a Redis will do."""
    os.environ.pop("DATABASE_URL", None)
    os.environ.setdefault("REDIS_URL", "redis://nobody:1/0")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
