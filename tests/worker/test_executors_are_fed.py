"""The feed: each job to the one that has the least to do, a few ahead while they are short, none behind a long one."""

from uuid import uuid4

import pytest

from jobqueue.worker.feed import Feed
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.messages import Recall, Run
from jobqueue.worker.pace import Pace
from jobqueue.worker.seats import Seats
from jobqueue.worker.settler import Settler
from tests.app.many_tasks import meet_as_coroutine
from tests.app.tasks import echo
from tests.worker.parts import Dummy, DummyCrew, claim_of


class House:
    """A feed and what it works with."""

    def __init__(self, size=2, *, short_jobs=True, seats=None):
        self.executors = [Dummy(seats=seats) for _ in range(size)]
        self.holdings, self.pace = Holdings(), Pace()
        self.settler = Settler(self.holdings, None, "w-1")
        self.feed = Feed(DummyCrew(*self.executors), self.holdings, self.settler, self.pace)
        for _ in range(50 if short_jobs else 0):
            self.pace.note(0.002)

    def claims(self, number, task=echo, **how):
        claims = [claim_of(task, **how) for _ in range(number)]
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
    assert [message.claims for message in free.heard()] == [[waiting]]
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


@pytest.fixture
def wide():
    """Give a feed for two executors of four threads, whose jobs are long."""
    return House(short_jobs=False, seats=Seats(threads=4))


def test_each_thread_is_given_a_job(wide):
    assert wide.feed.room() == 8
    wide.feed.hand(wide.claims(8))
    assert [len(runs[0]) for runs in wide.sent()] == [4, 4]
    assert wide.feed.room() == 0
    assert not wide.feed.may_get_stuck()


def test_one_that_is_free_again_is_given_another_at_once(wide):
    wide.feed.hand(wide.claims(8))
    wide.executors[0].take(1)
    assert wide.feed.room() == 1


def test_short_jobs_are_sent_ahead_to_those_threads_that_are_not_busy_with_a_long_one():
    house = House(1, seats=Seats(threads=4))
    (executor,), window = house.executors, house.pace.window()
    assert house.feed.room() == 4 * window
    for seat in range(3):
        executor.begin(*house.claims(1), seconds=0.1, seat=seat)
    assert house.feed.room() == window
    house.feed.hand(house.claims(3))
    house.feed.recall_stuck()
    assert [type(message) for message in executor.heard()] == [Run]
    executor.run(4, seconds=0.1, seat=3)
    house.feed.recall_stuck()
    assert executor.heard() == [Recall()]


def test_one_that_has_crashed_is_given_an_executor_of_its_own(wide):
    one, _ = wide.executors
    wide.feed.hand(wide.claims(2))
    wide.sent()
    (suspect,) = wide.claims(1, crashes=1)
    wide.feed.hand([suspect])
    assert wide.sent() == [[], []], "both have something to do"
    assert wide.feed.room() == 3 - 1, "one is left to come to its end"

    one.take(1)
    wide.feed.deal_spare()
    assert wide.sent() == [[[suspect]], []]
    assert wide.feed.room() == 3
    assert not one.has_free_seat(0)
    wide.feed.hand(wide.claims(4))
    assert [len(runs) for runs in wide.sent()] == [0, 1]

    one.take(next(iter(one.outstanding)))
    assert wide.feed.room() == 4 - 1


def test_suspects_follow_one_another_and_are_handed_back_when_the_worker_stops(wide):
    one, other = wide.executors
    other.up = False
    first, second, _ = suspects = wide.claims(3, crashes=1)
    wide.feed.hand(suspects)
    assert wide.sent() == [[[first]], []]
    one.take(1)
    wide.feed.deal_spare()
    assert wide.sent() == [[[second]], []]
    assert wide.feed.has_spare()
    wide.feed.hand_back_spare()
    assert not wide.feed.has_spare()
    assert wide.settler.owes()


def test_where_one_runs_at_a_time_nobody_is_suspected(house):
    (suspect,) = house.claims(1, crashes=1)
    house.feed.hand([suspect, *house.claims(3)])
    assert [len(runs[0]) for runs in house.sent()] == [2, 2]


def test_coroutines_and_functions_have_seats_of_their_own():
    house = House(1, short_jobs=False, seats=Seats(threads=2, coroutines=5))
    assert house.feed.rooms() == [2, 5]
    house.feed.hand(house.claims(3))
    assert house.feed.rooms() == [-1, 5], "one is spare"
    house.feed.hand(house.claims(4, meet_as_coroutine))
    assert house.feed.rooms() == [-1, 1]
    assert house.feed.room() == 1
    house.feed.deal_spare()
    assert house.feed.rooms() == [0, 1]
    assert house.settler.owes(), "the spare one was handed back"


def test_a_claim_that_is_over_is_not_taken_for_a_later_one_of_the_same_job(house):
    (old,) = house.claims(1)
    later = house.holdings.add(old._replace(attempt=old.attempt + 1, token=uuid4()))
    house.feed._keep(old)
    house.feed.hand_back_spare()
    assert not house.settler.owes()
    house.feed._keep(old)
    house.feed.hand([])
    assert later.executor is None


def test_what_is_dealt_again_is_as_old_as_its_claim(house):
    """Sent anew, it would pass for one of after a gap in trust."""
    (claim,) = house.claims(1)
    house.holdings.add(claim, since=47.11)
    house.feed.hand([claim])
    (message,) = [it for each in house.executors for it in each.heard()]
    assert message == Run([claim], [47.11])


def test_what_is_held_no_more_is_older_than_any_trust(house):
    (claim,) = house.claims(1)
    house.holdings.drop(claim.job_id)
    house.feed.hand([claim])
    assert [it for each in house.executors for it in each.heard()] == [Run([claim], [0.0])]
