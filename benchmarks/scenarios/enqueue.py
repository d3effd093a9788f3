"""How fast one process enqueues, while no worker runs."""

from __future__ import annotations

from typing import Any

from ..place import Place
from ..plan import Plan


def one_by_one(place: Place, plan: Plan) -> dict[str, Any]:
    """Enqueue jobs one by one, each committed by itself."""
    count = plan.jobs(place.queue.jobs["enqueue"])
    place.clear()
    with place.client() as client:
        client.enqueue("noop", 100)
        seconds = client.enqueue("noop", count)
        client.forget()
    place.clear()
    return {"jobs": count, "per_second": count / seconds}


def bulk(place: Place, plan: Plan) -> dict[str, Any]:
    """Enqueue jobs in calls of 10,000 each; nothing for queues that cannot."""
    place.clear()
    with place.client() as client:
        if not client.has_bulk:
            return {}
        count = plan.jobs(place.queue.jobs["bulk"])
        client.bulk("noop", 1000)
        seconds = client.bulk("noop", count)
    place.clear()
    return {"jobs": count, "per_second": count / seconds}
