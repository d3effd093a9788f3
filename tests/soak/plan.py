"""What one process of a soak is to do; it travels to all of its processes in the environment."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from functools import cache

VARIABLE = "JOBQUEUE_SOAK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One chapter on one database.

    database: sqlite, postgresql or mariadb.
    name: of the database, a file on SQLite.
    directory: where the record and the workers' logs go.
    seconds: how long faults and load last; faults: which kinds, all of them if none is named.
    backlog: how many jobs the enqueuers keep waiting.
    unfenced: bodies write as in most queues, to show that this is seen.
    """

    database: str
    name: str
    directory: str
    seed: int
    chapter: int
    seconds: float
    faults: tuple[str, ...] = ()
    lease_seconds: float = 2.0
    workers: int = 3
    executors: int = 2
    enqueuers: int = 2
    backlog: int = 60
    unfenced: bool = False

    def seed_of(self, *what: object) -> str:
        """Return the seed of one stream of random numbers."""
        return ":".join(map(str, (self.seed, self.database, self.chapter, *what)))

    def environment(self) -> dict[str, str]:
        """Return what a process of this chapter finds in its environment."""
        return {
            VARIABLE: json.dumps(asdict(self)),
            "DJANGO_SETTINGS_MODULE": "tests.soak.settings",
            "JOBQUEUE_TEST_DATABASE": self.name,
            "JOBQUEUE_TEST_RUN": "soak",
        }


@cache
def current() -> Plan:
    """Return the plan that this process belongs to."""
    values = json.loads(os.environ[VARIABLE])
    return Plan(**{**values, "faults": tuple(values["faults"])})
