"""What a fleet is made of, and what its requests cost: as measured, and between what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """workers: how many `runworkers`. executors: of each. job: seconds a body takes. writes: whether it writes.

    arrivals: jobs enqueued a second; None keeps a backlog that never ends. lease: LEASE_SECONDS. cores, flush, trip: of
    the database's machine: its cores, seconds to flush its log, seconds to reach it and back.
    """

    workers: int
    executors: int = 4
    job: float = 0.1
    writes: bool = True
    arrivals: float | None = None
    lease: float = 30.0
    cores: int = 16
    flush: float = 0.001
    trip: float = 0.0005


class Costs:
    """Seconds of processor time by verb and by the number of jobs in a request."""

    def __init__(self, measured: Mapping[str, float]) -> None:
        self._measured = measured

    def postgres(self, verb: str, jobs: int | None = None) -> float:
        """Return what a request costs PostgreSQL."""
        if jobs is None:
            return self._measured[f"{verb}.postgres_ms"] / 1000
        # A batch costs so much for itself, and so much for each job.
        one, hundred = (self._measured[f"{verb}_{size}.postgres_ms"] / 1000 for size in (1, 100))
        return one + (hundred - one) / 99 * (jobs - 1)

    def redis(self, verb: str, jobs: int | None = None) -> float:
        """Return what a request costs Redis."""
        if jobs is None:
            return self._measured[f"{verb}.redis_ms"] / 1000
        least = self._measured["witness_0.redis_ms"] / 1000
        return least + max(0.0, self._measured[f"{verb}_100.redis_ms"] / 1000 - least) * jobs / 100

    def orphans(self, running: int) -> float:
        """Return what a keeper's look for orphans costs PostgreSQL, when so many jobs run."""
        low, high = (self._measured[f"orphans_among_{n}.postgres_ms"] / 1000 for n in (100, 1000))
        return max(low / 2, low + (high - low) / 900 * (running - 100))

    def reconcile(self, held: int) -> float:
        """Return what it costs PostgreSQL to tell a worker what it owns."""
        low, high = (self._measured[f"reconcile_{n}.postgres_ms"] / 1000 for n in (100, 1000))
        return max(low / 2, low + (high - low) / 900 * (held - 100))


def load(path: Path) -> Costs:
    """Return the costs that a run of the benchmarks has measured."""
    return Costs(json.loads(path.read_text()))
