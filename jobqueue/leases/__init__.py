"""Leases: how a worker lets others know, fast, that what it runs is alive. Redis only; this package knows no SQL.

A lease is a Redis key with a TTL, one for each running job. Its holder is named by the *fence* of its claim, which the
database minted, so a lease never decides who owns a job: it only says "this one is alive". Renewing it every third of
its period is the worker's sign of life; when it lapses *and* the worker's heartbeat in the database is too old, others
may take the job. Trust is counted from the moment a renewal was **sent**, never from when its answer came, so that an
owner always stops before another may start.

Redis may be emptied, restarted or lost at any moment. A lease that was forgotten is made anew at its next renewal;
while the server's memory is younger than a lease period (the epoch in ``witness.lua``) nobody is judged dead on its
word.
"""

from __future__ import annotations

from .connection import LeasesUnavailable
from .leases import Grant, Held, Leases, LeaseView
from .shared import leases_of, wake_of
from .vitals import Health, clock_ahead, health, round_trip
from .wake import ANY_QUEUE, Wake

__all__ = [
    "ANY_QUEUE",
    "Grant",
    "Health",
    "Held",
    "LeaseView",
    "Leases",
    "LeasesUnavailable",
    "Wake",
    "clock_ahead",
    "health",
    "leases_of",
    "round_trip",
    "wake_of",
]
