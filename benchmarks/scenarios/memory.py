"""Whether a worker grows: its memory, with that of its executors, over 100,000 jobs."""

from __future__ import annotations

from typing import Any

from ..place import Place
from ..plan import Plan
from ..proc import memory_mb

LOTS = 10


def memory(place: Place, plan: Plan) -> dict[str, Any]:
    """Return the proportional set size in MB after the warm-up and after each tenth of the jobs."""
    count = plan.jobs(100_000) // LOTS
    with place.client() as client, place.workers(client) as workers:
        place.clear()
        sizes = [memory_mb(workers.pids)]
        for _ in range(LOTS):
            before = workers.tally.total()
            client.many("noop", count)
            workers.wait_for(before + count)
            place.wait_until_settled()
            sizes.append(memory_mb(workers.pids))
    return {"jobs": count * LOTS, "mb": sizes, "mb_max": max(sizes), "mb_growth": sizes[-1] - sizes[1]}
