"""The reconciler: a claim whose answer was lost is handed back; a body whose job was revoked is told, then killed."""

import time

import pytest

from jobqueue import lifecycle
from jobqueue.models import Attempt, Outcome
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.messages import Interrupt, Why
from jobqueue.worker.reconciler import Reconciler
from jobqueue.worker.settler import Settler
from tests import rows
from tests.effects.runs import revoke
from tests.worker.parts import Dummy, DummyCrew

pytestmark = pytest.mark.usefixtures("transactional_db")
PATIENCE = 5.0


class House:
    """A reconciler whose time has always come."""

    def __init__(self):
        self.executor, self.holdings = Dummy(), Holdings()
        self.reconciler = Reconciler(
            "w-1",
            self.holdings,
            DummyCrew(self.executor),
            Settler(self.holdings, None, "w-1"),
            period=0.0,
            patience=PATIENCE,
        )

    def running(self):
        claim = rows.claimed("w-1")
        holding = self.holdings.add(claim)
        holding.executor, holding.serial = self.executor, self.executor.begin(claim)
        return claim

    def step(self):
        self.reconciler.step()
        return self.executor.heard()

    def lose_patience(self):
        for job_id in self.reconciler._revoked:
            self.reconciler._revoked[job_id] = time.monotonic() - 0.001


@pytest.fixture
def house():
    return House()


def test_what_is_ours_is_left_alone(house):
    claim = house.running()
    assert house.step() == []
    assert rows.job(claim.job_id).status == "RUNNING"


def test_a_claim_that_was_never_heard_of_is_handed_back(house):
    lost, held = rows.claimed("w-1"), house.running()
    others = rows.claimed("w-2")
    assert house.step() == []
    assert rows.job(lost.job_id).status == "READY"
    assert (rows.job(lost.job_id).failures, rows.job(lost.job_id).crashes) == (0, 0)
    assert not Attempt.objects.exists()
    assert {rows.job(claim.job_id).status for claim in (held, others)} == {"RUNNING"}


@pytest.mark.parametrize("loss", [lifecycle.cancel, revoke])
def test_a_body_whose_job_is_not_ours_any_more_is_told_once_and_then_killed(house, loss):
    claim = house.running()
    loss(claim.job_id)

    assert house.step() == [Interrupt(claim.job_id, Why.LEASE_LOST)]
    assert house.step() == []
    assert not house.executor.killed

    house.lose_patience()
    house.step()
    assert house.executor.doom.outcome == Outcome.RELEASED


def test_one_that_has_ended_meanwhile_is_not(house):
    claim = house.running()
    lifecycle.cancel(claim.job_id)
    house.step()
    house.executor.board.end()
    house.lose_patience()
    house.step()
    assert not house.executor.killed


def test_nor_is_the_one_that_came_after_it(house):
    claim = house.running()
    lifecycle.cancel(claim.job_id)
    house.step()
    house.executor.outstanding.pop(1)
    house.running()
    house.lose_patience()
    assert house.step() == []
    assert not house.executor.killed


def test_one_whose_body_is_over_may_run_its_hooks(house):
    """It has settled the job itself, so the job is not RUNNING any more; that is no revocation."""
    claim = house.running()
    house.executor.board.body_over()
    lifecycle.settle(rows.connection(), [(claim.fence, None)])
    assert house.step() == []
    house.lose_patience()
    house.step()
    assert not house.executor.killed


def test_one_that_has_not_begun_is_refused_when_it_writes(house):
    claim = rows.claimed("w-1")
    house.holdings.add(claim)
    lifecycle.cancel(claim.job_id)
    assert house.step() == []


def test_it_asks_only_when_it_is_time():
    house = House()
    house.reconciler._period = 60.0
    house.step()
    lost = rows.claimed("w-1")
    house.step()
    assert rows.job(lost.job_id).status == "RUNNING"
