"""What more workers bring on one machine, and whether they get in each other's way."""

from __future__ import annotations

from typing import Any

from ..place import Place
from ..plan import Plan
from ..processes import Stuck
from .drain import work_off

WORKERS = (1, 2, 4, 8)


def scaling(place: Place, plan: Plan) -> dict[str, Any]:
    """Return the rate of a drain by so many `runworkers`; raises Stuck if they complained or deadlocked."""
    return {str(times): _rate(place, plan, times) for times in WORKERS}


def _rate(place: Place, plan: Plan, times: int) -> float:
    count = plan.jobs(place.queue.jobs["noop"])
    with place.client() as client, place.workers(client, times=times) as workers:
        place.clear()
        workers.freeze()
        client.many("noop", count)
        figures = work_off(place, client, workers, count)
        complaints = workers.said()
    deadlocks = place.database.ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    if complaints or deadlocks[0][0]:
        raise Stuck(f"{times} workers met {deadlocks[0][0]} deadlocks and wrote:\n{complaints[-3000:]}")
    return float(figures["per_second"])
