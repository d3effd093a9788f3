"""Trust is counted from when a renewal was sent, only grows, and ends a margin before the lease."""

from __future__ import annotations

import time
from multiprocessing import get_context

import pytest

from jobqueue.worker.trust import Trust


@pytest.fixture
def trust() -> Trust:
    return Trust(get_context("spawn"), lease_seconds=10, margin_seconds=2)


def test_a_new_worker_is_not_trusted(trust: Trust) -> None:
    assert not trust.holds()


def test_trust_counts_from_when_the_renewal_was_sent(trust: Trust) -> None:
    sent = time.monotonic() - 5
    trust.extend(sent)
    assert trust.holds()
    assert trust.overdue() == pytest.approx(-3, abs=0.5)
    trust.extend(time.monotonic() - 9)
    assert trust.overdue() == pytest.approx(-3, abs=0.5), "an older renewal must not shorten it"


def test_a_renewal_that_took_too_long_renews_nothing(trust: Trust) -> None:
    trust.extend(time.monotonic() - 8.5)
    assert not trust.holds()
