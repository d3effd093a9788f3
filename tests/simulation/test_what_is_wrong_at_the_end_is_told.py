"""What is only seen when all has ended breaks a promise as much as what is seen on the way."""

from __future__ import annotations

import pytest

from tests.simulation.plan import Job, Plan
from tests.simulation.run import Simulation
from tests.simulation.stage import Stage
from tests.simulation.watch import Violation


def _meddle(simulation: Simulation) -> None:
    raise_it = "UPDATE app_counter SET value = value + 1"
    simulation.world.call_at(0.5, lambda: simulation.server.look.execute(raise_it))


def test_a_counter_that_is_too_high(theatre: Stage) -> None:
    _, error = theatre.attempt(Plan((Job("bump"), Job("value", at=1.0))), _meddle)
    with pytest.raises(Violation, match=r"S1: the counter is 2 and 1 jobs raised it"):
        raise error or AssertionError("Nobody noticed.")
