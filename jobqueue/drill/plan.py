"""What one drill is to do and where; it travels to every process of the drill in the environment."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from functools import cache

VARIABLE = "JOBQUEUE_DRILL"
# A queue of any kind can be given these.
NAIVE_FAULTS = ("slow-job", "killed-executor", "killed-worker", "frozen-worker", "emptied-redis")
FAULTS = (
    *NAIVE_FAULTS,
    "held-gil",
    "frozen-executor",
    "crashed-body",
    "killed-body",
    "swallowed-error",
    "sigterm",
    "same-key",
    "poison",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One drill.

    settings: the user's settings module.
    backend, database: the aliases in its TASKS and DATABASES that are drilled.
    name, key_prefix: the drill's own database (a file, for SQLite) and prefix in Redis.
    directory: where the record and the workers' logs go.
    """

    settings: str
    backend: str
    database: str
    name: str
    key_prefix: str
    directory: str
    lease_seconds: float
    faults: tuple[str, ...] = FAULTS
    naive: bool = False
    json: bool = False

    def environment(self) -> dict[str, str]:
        """Return what a process of the drill finds in its environment."""
        return {VARIABLE: json.dumps(asdict(self)), "DJANGO_SETTINGS_MODULE": "jobqueue.drill.settings"}


@cache
def current() -> Plan:
    """Return the plan of the drill that this process belongs to."""
    values = json.loads(os.environ[VARIABLE])
    return Plan(**{**values, "faults": tuple(values["faults"])})
