"""How long a worker that holds 1,000 leases takes to renew them. Run as a program, it is that worker's renewing part.

The jobs are really claimed and the leases really taken. A round is what the worker's two renewing threads do every
third of a lease period: the leases in Redis, and the heartbeat with the record of renewals in the database.
"""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

from ..place import Place
from ..plan import Plan

LEASES = 1000
ROUNDS = 30


def renewal(place: Place, plan: Plan) -> dict[str, Any]:
    """Return the median milliseconds of a round, by thread."""
    place.clear()
    try:
        return place.told_by(__name__)
    finally:
        place.clear()


def _renew() -> dict[str, float]:
    import django

    django.setup()
    from django.tasks import task_backends

    from benchmarks.app.tasks import noop
    from jobqueue import lifecycle
    from jobqueue.database import connection
    from jobqueue.worker.crew import CONTEXT, Crew
    from jobqueue.worker.holdings import Holdings
    from jobqueue.worker.registration import Identity
    from jobqueue.worker.renewer import Heartbeat, LeaseRenewer
    from jobqueue.worker.trust import Trust

    backend: Any = task_backends["default"]
    name = "bench-renewal"
    noop.enqueue_many([((), {})] * LEASES)  # type: ignore[attr-defined]
    holdings, trust = Holdings(), Trust(CONTEXT, lease_seconds=30, margin_seconds=6)
    for claim in lifecycle.claim(
        connection(), backend="default", queue="default", paths=[noop.module_path], worker_id=name, limit=LEASES
    ):
        holdings.add(claim)
    crew = Crew(0, trust=trust, backend="default", worker_id=name)
    identity = Identity(
        id=name, name=name, hostname="", pid=0, backend="default", queues=[], concurrency=0, seats=0, lease_seconds=30
    )
    leases = backend.leases()
    leases.acquire([holding.fence for holding in holdings.all()], name)
    renewer = LeaseRenewer(leases, holdings, trust, identity, period=0)
    heartbeat = Heartbeat(holdings, crew, trust, identity, period=0, counts_renewals=False)
    rounds: dict[str, list[float]] = {"leases_ms": [], "heartbeat_ms": []}
    for _ in range(ROUNDS):
        for name, tick in (("leases_ms", renewer.tick), ("heartbeat_ms", heartbeat.tick)):
            began = time.perf_counter()
            tick()
            rounds[name].append((time.perf_counter() - began) * 1000)
    assert len(holdings) == LEASES
    leases.release([holding.fence for holding in holdings.all()], "bench-renewal")
    return {name: statistics.median(times) for name, times in rounds.items()}


if __name__ == "__main__":
    print(json.dumps(_renew()))
