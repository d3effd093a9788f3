"""A histogram says about how long things took, and the sum of two says it of both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobqueue.tallies.histogram import BOUNDS, BUCKETS, added, bucket, quantile

SECONDS = st.lists(st.floats(0, 20_000), min_size=1, max_size=50)


def histogram(seconds: list[float]) -> list[int]:
    counts = [0] * BUCKETS
    for one in seconds:
        counts[bucket(one)] += 1
    return counts


@given(SECONDS, st.floats(0.01, 1))
def test_a_quantile_is_in_the_bucket_in_which_it_truly_is(seconds: list[float], share: float) -> None:
    said = quantile(histogram(seconds), share)
    # The smallest below or at which that share lies.
    true = next(one for one in sorted(seconds) if sum(it <= one for it in seconds) >= share * len(seconds))
    number = bucket(true)
    assert said is not None
    assert (BOUNDS[number - 1] if number else 0.0) <= said
    assert said <= (BOUNDS[number] if number < len(BOUNDS) else BOUNDS[-1])


@given(SECONDS, SECONDS)
def test_the_sum_of_two_is_the_histogram_of_both(some: list[float], others: list[float]) -> None:
    assert added(histogram(some), histogram(others)) == histogram(some + others)


def test_of_nothing_nothing_is_said() -> None:
    assert quantile([], 0.5) is None
    assert quantile([0] * BUCKETS, 0.5) is None
    assert added([], [1, 2]) == [1, 2]


@pytest.mark.parametrize(("seconds", "number"), [(-3.0, 0), (0.0, 0), (0.01, 0), (0.011, 1), (1e9, BUCKETS - 1)])
def test_a_bound_belongs_to_the_bucket_below_it(seconds: float, number: int) -> None:
    assert bucket(seconds) == number
