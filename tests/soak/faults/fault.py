"""What a fault is, and what it is given to work with."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.proxy import Proxy
    from tests.redis_server import OwnRedis

    from ..crew import Crew, Slot
    from ..plan import Plan
    from ..servers import Server
    from ..watch import Watch

SERVERS = frozenset({"postgresql", "mysql"})
ANY = SERVERS | {"sqlite"}


class Strike(NamedTuple):
    """One fault to come: whom it hits and how hard, both between 0 and 1, and a pause in seconds."""

    kind: str
    victim: float
    force: float
    pause: float


@dataclass(slots=True, kw_only=True)
class Scene:
    """The world of one chapter, as faults see it."""

    plan: Plan
    env: dict[str, str]
    crew: Crew
    watch: Watch
    redis: OwnRedis
    redis_way: Proxy
    server: Server | None
    database_way: Proxy | None
    reached: Counter[str] = field(default_factory=Counter)

    @property
    def lease(self) -> float:
        """The lease period, in seconds."""
        return self.plan.lease_seconds

    def slot(self, victim: float) -> Slot:
        """Return the worker that is hit."""
        return self.crew.slots[int(victim * len(self.crew.slots))]

    def beyond_lease(self, force: float) -> float:
        """Return for how long something has to be gone to be missed: 1.5 to 2.5 lease periods."""
        return self.lease * (1.5 + force)

    def all_beat(self) -> bool:
        """Return whether every worker has given a sign of life that is younger than a lease."""
        now = time.monotonic()
        return all(now - self.watch.beats.get(slot.pid, (None, 0.0))[1] < self.lease for slot in self.crew.slots)

    def dice(self, strike: Strike) -> random.Random:
        """Return a source of choices that the seed decides."""
        return random.Random(strike.victim)

    def let_pass(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault. `breaks` is what fails: a process, redis or the database. `where` are the databases that can have it.

    happen: returns False when there was nobody to hit; such a strike is not counted.
    """

    name: str
    breaks: str
    happen: Callable[[Scene, Strike], bool | None]
    where: frozenset[str] = ANY
