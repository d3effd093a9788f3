"""How long a job waits: from just before enqueue() is called to the first line of its body, by one clock."""

from __future__ import annotations

from typing import Any

from ..place import Place
from ..plan import Plan


def idle(place: Place, plan: Plan) -> dict[str, Any]:
    """Enqueue a job now and then to workers that have nothing else to do."""
    return _latencies(place, plan.jobs(80), gap=0.15)


def busy(place: Place, plan: Plan) -> dict[str, Any]:
    """Enqueue 50 jobs a second."""
    return _latencies(place, plan.jobs(500), gap=0.02)


def _latencies(place: Place, count: int, *, gap: float) -> dict[str, Any]:
    with place.client() as client, place.workers(client) as workers:
        place.clear()
        before = workers.tally.total()
        client.stamps(count, gap=gap)
        workers.wait_for(before + count)
        return {"jobs": count, "samples_ms": [seconds * 1000 for seconds in workers.tally.latencies()]}


def half_busy(place: Place, plan: Plan) -> dict[str, Any]:
    """Enqueue a job now and then while two of four workers are busy for long, and can take no more."""
    count, gap = plan.jobs(60), 0.15
    alone = ("--concurrency", "1")
    with place.client() as client, place.workers(client, times=4, arguments=alone, processes=4) as workers:
        place.clear()
        before = workers.tally.total()
        client.enqueue("snooze", 2, count * gap + 2)
        client.stamps(count, gap=gap)
        workers.wait_for(before + count + 2)
        return {"jobs": count, "samples_ms": [seconds * 1000 for seconds in workers.tally.latencies()]}
