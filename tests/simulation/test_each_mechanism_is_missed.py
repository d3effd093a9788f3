"""Each mechanism has a schedule that it alone survives: switched off (JOBQUEUE_MUTANT), the simulation notices."""

from __future__ import annotations

import pytest

from tests.simulation.scenarios import BY_MECHANISM
from tests.simulation.stage import Stage


@pytest.mark.parametrize("mechanism", BY_MECHANISM)
def test_a_schedule_that_only_this_mechanism_survives(theatre: Stage, mechanism: str) -> None:
    plan = BY_MECHANISM[mechanism]
    simulation = theatre.run(plan)
    struck = [fault.what for fault in plan.faults]
    assert sorted(simulation.faults.struck.elements()) == sorted(struck), "A fault of this schedule was never reached."
