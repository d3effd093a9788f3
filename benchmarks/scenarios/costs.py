"""What each statement costs the database, and each call Redis: what the simulation of a fleet reckons with."""

from __future__ import annotations

from typing import Any

from ..place import Place
from ..plan import Plan


def costs(place: Place, plan: Plan) -> dict[str, Any]:
    """Return, for each verb, the milliseconds of processor time and of waiting, and the bytes of WAL."""
    place.clear()
    try:
        return place.told_by(
            "benchmarks.statements", str(plan.jobs(300)), BENCH_REDIS_PID=str(place.servers.get("redis", ""))
        )
    finally:
        place.clear()
