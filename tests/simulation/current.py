"""The one simulation that is under way in this process: what stands in for modules has no other way to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.run import Simulation
    from tests.simulation.world import World

world: World
simulation: Simulation
