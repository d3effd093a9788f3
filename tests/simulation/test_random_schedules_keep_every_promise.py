"""Seeds one after another: a few here, as many as you like by `make simulate N=…`; and those that once failed."""

from __future__ import annotations

import os

import pytest

from tests.simulation.draw import random_plan
from tests.simulation.seeds import FOUND
from tests.simulation.stage import Stage
from tests.simulation.tally import Tally

SCHEDULES = int(os.environ.get("SIMULATE", "150"))


def _run(theatre: Stage, seed: int, tally: Tally) -> None:
    simulation, error = theatre.attempt(random_plan(seed))
    if error is not None:
        print(simulation.world.story())
        raise AssertionError(f"make simulate SEED={seed} tells the story again.") from error
    tally.add(simulation)


def test_every_promise_is_kept(theatre: Stage) -> None:
    tally = Tally()
    for seed in range(SCHEDULES):
        _run(theatre, seed, tally)
    print(tally)
    assert tally.schedules == SCHEDULES
    assert sum(tally.struck.values()) > SCHEDULES / 2, "Hardly anything went wrong."


@pytest.mark.parametrize("seed", FOUND)
def test_what_once_failed_does_not_any_more(theatre: Stage, seed: int) -> None:
    _run(theatre, seed, Tally())
