"""The faults of a soak, by name; each strikes once, and is over when it returns.

A fault is given a `Strike`: two numbers between 0 and 1, from the seed, which say whom it hits and how hard.
"""

from __future__ import annotations

from . import database, points, processes, redis
from .fault import Fault

FAULTS: dict[str, Fault] = {fault.name: fault for room in (processes, points, redis, database) for fault in room.FAULTS}


def possible(vendor: str) -> list[str]:
    """Return the names of the faults that a database can have."""
    return [name for name, fault in FAULTS.items() if vendor in fault.where]
