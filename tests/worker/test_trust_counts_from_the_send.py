"""An answer may be long under way: what it renews began to lapse when the request was sent, or after, never later."""

import time

import pytest

from jobqueue.models import Worker
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.renewer import Heartbeat, LeaseRenewer
from tests.worker.parts import DummyCrew, claim_of, identity, leases, trust

PERIOD = 10.0
UNDER_WAY = 0.05


@pytest.fixture
def holdings():
    holdings = Holdings()
    holdings.add(claim_of())
    return holdings


@pytest.fixture
def believed():
    believed = trust(-5)
    believed._period = PERIOD
    return believed


def slowly(monkeypatch, owner, name):
    """Have the answer of a method take its time, and return the moments at which it was asked."""
    asked, method = [], getattr(owner, name)

    def slow(*args, **kwargs):
        asked.append(time.monotonic())
        answer = method(*args, **kwargs)
        time.sleep(UNDER_WAY)
        return answer

    monkeypatch.setattr(owner, name, slow)
    return asked


def test_an_answer_that_took_long_renews_less(holdings, believed, monkeypatch):
    found = leases()
    asked = slowly(monkeypatch, found, "renew")
    LeaseRenewer(found, holdings, believed, identity(), period=1.0).tick()
    assert believed.holds()
    assert believed._until.value <= asked[0] + PERIOD


@pytest.mark.usefixtures("transactional_db")
def test_a_beat_that_took_long_renews_less(holdings, believed, monkeypatch):
    asked = slowly(monkeypatch, Worker.objects, "using")
    Heartbeat(holdings, DummyCrew(), believed, identity(), period=3.0, counts_renewals=False).tick()
    assert believed.holds()
    assert believed._until.value <= asked[0] + PERIOD
