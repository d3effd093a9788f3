"""How fast a backlog is worked off.

The workers are warm. They are frozen while the jobs are enqueued, so that no queue has begun when the clock starts, and
the clock stops when the last body has run and the queue, where it keeps a record, has recorded the last job's end.
"""

from __future__ import annotations

import time
from typing import Any

from ..place import Place
from ..plan import Plan
from ..proc import cpu_seconds
from ..processes import Client, Stuck, Workers


def noop(place: Place, plan: Plan) -> dict[str, Any]:
    """Work off jobs that do nothing."""
    return _drain(place, plan, "noop")


def bump(place: Place, plan: Plan) -> dict[str, Any]:
    """Work off jobs that each raise one counter in the database; it must be exact in the end."""
    return _drain(place, plan, "bump")


def both(place: Place, plan: Plan) -> dict[str, Any]:
    """Work off both kinds, on a database that is not PostgreSQL."""
    small = {"noop": 20_000, "bump": 6_000}
    return {name: _drain(place, plan, name, count=count)["per_second"] for name, count in small.items()}


def _drain(place: Place, plan: Plan, task: str, *, count: int = 0) -> dict[str, Any]:
    count = plan.jobs(count or place.queue.jobs[task])
    with place.client() as client, place.workers(client) as workers:
        place.clear()
        workers.freeze()
        client.many(task, count)
        figures = work_off(place, client, workers, count)
    if task == "bump" and place.counter() != count:
        raise Stuck(f"The counter of {place.queue.name} is {place.counter()} after {count} jobs.")
    return figures


def work_off(place: Place, client: Client, workers: Workers, count: int) -> dict[str, Any]:
    """Let frozen workers do the `count` jobs that are there, and return how that went."""
    before, cpu = workers.tally.total(), _cpu(place, workers)
    began = time.monotonic()
    workers.thaw()
    workers.wait_for(before + count)
    place.wait_until_settled()
    seconds = time.monotonic() - began
    spent = {kind: total - cpu[kind] for kind, total in _cpu(place, workers).items()}
    if workers.tally.total() != before + count:
        raise Stuck(f"{place.queue.name} ran {workers.tally.total() - before} bodies for {count} jobs.")
    return {
        "jobs": count,
        "per_second": count / seconds,
        **{f"{kind}_cpu_ms": used / count * 1000 for kind, used in spent.items()},
    }


def _cpu(place: Place, workers: Workers) -> dict[str, float]:
    roots = {"workers": workers.pids, **{kind: [pid] for kind, pid in place.servers.items()}}
    return {kind: cpu_seconds(pids) for kind, pids in roots.items()}
