"""Histograms of seconds: how many were how long, in buckets that are the same everywhere, so that they can be added."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import zip_longest

# The most that fits into each bucket, in seconds; there is one more for what is longer than all of them.
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
BUCKETS = len(BOUNDS) + 1


def bucket(seconds: float) -> int:
    """Return the number of the bucket for so many seconds; less than none belong to the first."""
    return bisect_left(BOUNDS, seconds)


def added(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Return the sum of two histograms, one of which may be empty."""
    return [a + b for a, b in zip_longest(one, other, fillvalue=0)]


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Return below which seconds that share of all lies; None when there are none.

    Within a bucket all are taken to be spread evenly. Of those beyond the last bound it is known that they are beyond.
    """
    whole = sum(counts)
    if not whole:
        return None
    wanted, before = share * whole, 0
    for number, count in enumerate(counts):
        if count and before + count >= wanted:
            low = BOUNDS[number - 1] if number else 0.0
            high = BOUNDS[number] if number < len(BOUNDS) else low
            return low + (high - low) * max(0.0, wanted - before) / count
        before += count
    return BOUNDS[-1]
