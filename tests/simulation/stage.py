"""Where simulations are run, one after another: a database file that is made once."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from tests.simulation import current
from tests.simulation.place import replaced
from tests.simulation.plan import Plan
from tests.simulation.run import Simulation
from tests.simulation.server import Server
from tests.simulation.sqlite import NAME, SETTINGS

_COLLECT_EVERY = 8


class Stage:
    """Runs plans."""

    def __init__(self, look: sqlite3.Connection) -> None:
        self._server, self._look, self._runs = Server(), look, 0

    def run(self, plan: Plan) -> Simulation:
        """Run a plan; raises Violation."""
        simulation, error = self.attempt(plan)
        if error is not None:
            raise error
        return simulation

    def attempt(
        self, plan: Plan, prepare: Callable[[Simulation], None] = lambda _: None
    ) -> tuple[Simulation, BaseException | None]:
        """Run a plan, and return what went wrong as well."""
        self._runs += 1
        if self._runs % _COLLECT_EVERY == 0:
            gc.collect()
        simulation = Simulation(plan, self._server, self._look)
        prepare(simulation)
        try:
            simulation.run()
        except BaseException as error:
            return simulation, error
        return simulation, None


@contextmanager
def stage() -> Generator[Stage]:
    """Open a stage."""
    _migrate()
    look = sqlite3.connect(NAME, timeout=0, isolation_level=None)
    # A run leaves circles behind. To look for them once, when it is over, costs least.
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        with replaced():
            yield Stage(look)
    finally:
        gc.enable()
        gc.unfreeze()
        look.close()
    del current.world, current.simulation


def _migrate() -> None:
    if Path(NAME).exists():
        return
    # On the real backend, for there is nobody yet to be simulated.
    kept = connections.settings["default"], getattr(connections._connections, "default", None)
    connections.settings["default"] = {**SETTINGS, "ENGINE": "django.db.backends.sqlite3"}
    if kept[1] is not None:
        del connections._connections.default
    try:
        call_command("migrate", verbosity=0, run_syncdb=True)
        connections["default"].close()
    finally:
        del connections._connections.default
        connections.settings["default"] = kept[0]
        if kept[1] is not None:
            connections._connections.default = kept[1]
