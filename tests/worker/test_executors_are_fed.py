"""The feed: each job to the one that has the least to do, a few ahead while they are short, none behind a long one."""

import pytest

from jobqueue.worker.feed import Feed
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.messages import Recall, Run
from jobqueue.worker.pace import Pace
from jobqueue.worker.settler import Settler
from tests.worker.parts import Dummy, DummyCrew, claim_of


class House:
    """A feed and what it works with."""

    def __init__(self, size=2, *, short_jobs=True):
        self.executors = [Dummy() for _ in range(size)]
        self.holdings, self.pace = Holdings(), Pace()
        self.settler = Settler(self.holdings, None, "w-1")
        self.feed = Feed(DummyCrew(*self.executors), self.holdings, self.settler, self.pace)
        for _ in range(50 if short_jobs else 0):
            self.pace.note(0.002)

    def claims(self, number):
        claims = [claim_of() for _ in range(number)]
        for claim in claims:
            self.holdings.add(claim)
        return claims

    def sent(self):
        return [[m.claims for m in e.heard() if isinstance(m, Run)] for e in self.executors]


@pytest.fixture
def house():
    return House()


def test_one_each_while_it_is_not_known_how_long_they_take():
    house = House(short_jobs=False)
    claims = house.claims(2)
    assert house.feed.room() == 2
    house.feed.hand(claims)
    assert sorted(map(len, (runs[0] for runs in house.sent()))) == [1, 1]
    assert house.feed.room() == 0


def test_short_ones_are_dealt_out_in_turn_and_in_order(house):
    assert house.feed.room() == 2 * house.pace.window() > 10
    claims = house.claims(6)
    house.feed.hand(claims)
    (first,), (second,) = house.sent()
    assert (first, second) == (claims[::2], claims[1::2])
    for executor in house.executors:
        for serial, claim in executor.outstanding.items():
            holding = house.holdings.get(claim.job_id)
            assert (holding.executor, holding.serial, holding.pid) == (executor, serial, executor.pid)


def test_nobody_is_fed_behind_a_long_job(house):
    house.executors[0].begin(*house.claims(1), seconds=0.1)
    assert house.feed.room() == house.pace.window()
    house.feed.hand(house.claims(3))
    assert [len(runs) for runs in house.sent()] == [0, 1]


@pytest.mark.parametrize("state", [{"up": False}, {"retiring": True}, {"recalled": True}])
def test_nor_one_that_starts_ends_or_gives_back(house, state):
    for name, value in state.items():
        setattr(house.executors[0], name, value)
    assert house.feed.room() == house.pace.window()


def test_what_waits_behind_a_long_job_is_taken_back_and_given_to_another(house):
    first, waiting = house.claims(2)
    stuck, free = house.executors
    stuck.hand([first, waiting])
    stuck.heard()
    stuck.run(1, seconds=0.1)
    assert house.feed.may_get_stuck()

    house.feed.recall_stuck()
    house.feed.recall_stuck()
    assert stuck.heard() == [Recall()]

    house.feed.take_back(stuck, [2])
    house.feed.hand([])
    assert free.heard() == [Run([waiting])]
    assert house.holdings.get(waiting.job_id).executor is free
    assert list(stuck.outstanding.values()) == [first]


def test_one_job_alone_is_not_recalled(house):
    house.executors[0].begin(*house.claims(1), seconds=10)
    house.feed.recall_stuck()
    assert house.executors[0].heard() == []
    assert not house.feed.may_get_stuck()


def test_what_is_not_ours_any_more_is_not_handed_on(house):
    (claim,) = house.claims(1)
    house.executors[0].hand([claim])
    house.holdings.drop(claim.job_id)
    house.feed.take_back(house.executors[0], [1, 7])
    assert house.feed.room() == 2 * house.pace.window()


def test_what_nobody_can_take_counts_and_is_handed_back(house):
    for executor in house.executors:
        executor.up = False
    house.feed.hand(house.claims(3))
    assert house.feed.room() == -3
    assert not house.settler.owes()
    house.feed.hand_back_spare()
    assert house.settler.owes()
    assert house.feed.room() == 0
