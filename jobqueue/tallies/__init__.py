"""Tallies: how many jobs ended how, how long they waited and ran, minute by minute; for people, not for promises.

Each worker counts in memory what it sees, and writes that down several times a minute, in rows of its own: nobody waits
for another, and nothing is counted twice. The keepers merge the rows of minutes, then of hours, then of days, so that
no page ever has to count jobs. A worker that is killed takes with it what it has counted since it wrote last.
"""

from __future__ import annotations

from .count import NUMBERS, Count, Key
from .histogram import BOUNDS, bucket, quantile
from .look import DAY, HOUR, MINUTE, Entry, Series, entries, now, series
from .record import record
from .roll_up import KEPT, roll_up

__all__ = [
    "BOUNDS",
    "DAY",
    "HOUR",
    "KEPT",
    "MINUTE",
    "NUMBERS",
    "Count",
    "Entry",
    "Key",
    "Series",
    "bucket",
    "entries",
    "now",
    "quantile",
    "record",
    "roll_up",
    "series",
]
