"""What a fleet is made of, and what its requests cost: as measured, and between what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

# Of each worker's parent, for itself: the main loop, the heartbeat and the keeper have a connection each.
_CONNECTIONS_OF_PARENT = 3


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """workers: how many `runworkers`, all on one queue. executors: of each. job: seconds a body takes.

    writes: whether a body writes, and so settles itself. arrivals: jobs enqueued a second; 0 is an idle fleet, None
    keeps a backlog that never ends. lease: LEASE_SECONDS. cores, flush, trip: of the database's machine: its cores,
    seconds to flush its log, seconds to reach it and back. claims_wait: whether a claim waits for that flush.
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
    claims_wait: bool = False

    @property
    def connections(self) -> int:
        """How many connections its workers hold open to PostgreSQL."""
        return self.workers * (self.executors + _CONNECTIONS_OF_PARENT)

    @property
    def keeper_seconds(self) -> float:
        """How often the keeper of each worker looks for orphans."""
        return min(2.0, max(0.2, self.lease / 8))

    @property
    def renew_seconds(self) -> float:
        """How often each worker gives its signs of life."""
        return self.lease / 3


class Work(NamedTuple):
    """What a request costs PostgreSQL: seconds of one core, and bytes of WAL."""

    seconds: float
    wal: float


class Costs:
    """What each verb costs, by the number of jobs in a request."""

    def __init__(self, measured: Mapping[str, float]) -> None:
        self._measured = measured

    def postgres(self, verb: str, jobs: int | None = None) -> Work:
        """Return what a request costs PostgreSQL."""
        return Work(self._of(verb, "postgres_ms", jobs) / 1000, self._of(verb, "wal_bytes", jobs))

    def redis(self, verb: str, jobs: int | None = None) -> float:
        """Return the seconds that a request costs Redis."""
        if jobs is None:
            return self._measured[f"{verb}.redis_ms"] / 1000
        least = self._measured["witness_0.redis_ms"] / 1000
        return least + max(0.0, self._measured[f"{verb}_100.redis_ms"] / 1000 - least) * jobs / 100

    def orphans(self, running: int, owners: int) -> Work:
        """Return what a keeper's look for orphans costs when so many jobs run, which so many workers own."""
        more = (self._measured["orphans_of_1000.postgres_ms"] - self._measured["orphans_among_1000.postgres_ms"]) / 999
        return Work(self._among("orphans", running) + max(0.0, more) / 1000 * max(0, owners - 1), 0.0)

    def look_for_dead(self, workers: int) -> Work:
        """Return what a keeper's look for dead workers costs in a fleet of so many."""
        one, thousand = (self._measured[f"look_for_dead_of_{n}.postgres_ms"] / 1000 for n in (1, 1000))
        return Work(one + max(0.0, thousand - one) / 999 * (workers - 1), 0.0)

    def forget_workers(self, running: int) -> Work:
        """Return what a keeper's look for workers that are long gone costs when so many jobs run."""
        return Work(self._among("forget", running), 0.0)

    def reconcile(self, held: int) -> Work:
        """Return what it costs to tell a worker what it owns."""
        return Work(self._among("reconcile", held), 0.0)

    def _of(self, verb: str, unit: str, jobs: int | None) -> float:
        if jobs is None:
            return self._measured[f"{verb}.{unit}"]
        # A batch costs so much for itself, and so much for each job.
        one, hundred = (self._measured[f"{verb}_{size}.{unit}"] for size in (1, 100))
        return one + (hundred - one) / 99 * (jobs - 1)

    def _among(self, verb: str, rows: int) -> float:
        """Return the seconds of a request that reads so many rows."""
        low, high = (self._measured[f"{verb}_among_{n}.postgres_ms"] / 1000 for n in (100, 1000))
        return max(low / 2, low + (high - low) / 900 * (rows - 100))
