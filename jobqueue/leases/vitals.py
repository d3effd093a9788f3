"""What a Redis server says of itself, for people to look at. Nothing that runs jobs asks this."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

from . import answers
from .leases import Leases

_TIMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A server's health. ``memory`` is what is used of ``limit`` bytes, 0 for none; None is what it does not say."""

    version: str
    role: str
    memory: int
    limit: int
    persists: bool | None
    refusing: str

    @classmethod
    def read(cls, told: dict[str, int | str]) -> Health:
        """Return it from the lines of INFO."""
        persists = None if "aof_enabled" not in told else bool(told["aof_enabled"] or told.get("rdb_saves", 0))
        return cls(
            version=str(told.get("valkey_version") or told.get("redis_version") or ""),
            role=str(told.get("role") or ""),
            memory=int(told["used_memory"]),
            limit=int(told.get("maxmemory") or 0),
            persists=persists,
            refusing=_refusing(told),
        )


def _refusing(told: dict[str, int | str]) -> str:
    """Return why the server may refuse to write now, '' when it says nothing of the kind."""
    if told.get("loading") == 1:
        return "it is loading its file"
    if told.get("aof_enabled") == 1 and told.get("aof_last_write_status", "ok") != "ok":
        return "it could not write to its append-only file"
    if told.get("rdb_last_bgsave_status", "ok") != "ok":
        return "its last snapshot failed, after which it refuses writes unless it was told otherwise"
    return ""


def round_trip(leases: Leases) -> float:
    """Return how many seconds a call takes, the median of a few; raises LeasesUnavailable."""
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        leases.connection.call(lambda client: client.ping())
        taken.append(time.perf_counter() - began)
    return median(taken)


def clock_ahead(leases: Leases) -> float:
    """Return by how many seconds the server's clock is ahead of this machine's; raises LeasesUnavailable."""
    began = time.time()
    told = leases.connection.call(lambda client: answers.seconds(client.time()))
    return told - (began + time.time()) / 2


def health(leases: Leases) -> Health:
    """Return what the server says of itself; raises LeasesUnavailable."""
    return leases.connection.call(lambda client: Health.read(answers.health(client.info())))
