"""What a job that kills its process, three times until it is given up, costs 500 others.

It is their rate beside it, as a share of that without it. Every job takes 20 ms; the rounds take turns.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from ..place import Place
from ..plan import Plan
from ..processes import Client, Workers

JOBS = 500
SECONDS = 0.02
ROUNDS = 3


def poison(place: Place, plan: Plan) -> dict[str, Any]:
    """Return the rate of the others in each case, the median of the rounds, and the one as a share of the other."""
    half = plan.jobs(JOBS) // 2
    rates: dict[str, list[float]] = {"without": [], "beside": []}
    with place.client() as client, place.workers(client) as workers:
        for _ in range(ROUNDS):
            for case, found in rates.items():
                found.append(_rate(place, client, workers, half, poisons=int(case == "beside")))
    without, beside = (statistics.median(found) for found in rates.values())
    return {"jobs": 2 * half, "without_per_second": without, "beside_per_second": beside, "share": beside / without}


def _rate(place: Place, client: Client, workers: Workers, half: int, *, poisons: int) -> float:
    place.clear()
    workers.freeze()
    client.enqueue("snooze", half, SECONDS)
    client.enqueue("die", poisons)
    client.enqueue("snooze", half, SECONDS)
    before, began = workers.tally.total(), time.monotonic()
    workers.thaw()
    workers.wait_for(before + 2 * half)
    place.wait_until_settled()
    return 2 * half / (time.monotonic() - began)
