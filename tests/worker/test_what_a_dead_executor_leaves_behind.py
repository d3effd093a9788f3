"""Burial: the job that it ran is charged or handed back by what killed it, and no other job pays for it."""

import pytest
from django.tasks import task

from jobqueue.errors import TimeLimitExceeded
from jobqueue.models import Attempt, Outcome
from jobqueue.worker.burial import Burial
from jobqueue.worker.crew import Doom
from jobqueue.worker.feed import Feed
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.pace import Pace
from jobqueue.worker.seats import Seats
from jobqueue.worker.settler import Settler
from tests import rows
from tests.worker.parts import OPTIONS, Dummy, DummyCrew

pytestmark = pytest.mark.usefixtures("transactional_db")


@task(max_attempts=1, timeout=1)
def only_once():
    raise AssertionError("Nobody calls it.")


@task(give_up_on=(TimeLimitExceeded,), timeout=1)
def gives_up_when_late():
    raise AssertionError("Nobody calls it.")


class House:
    """An executor that died while it ran the second of three jobs; with more seats, the second and the third."""

    def __init__(self, tasks=(rows.tasks.echo,) * 3, running=2, *, threads=1):
        self.holdings, self.executor = Holdings(), Dummy(seats=Seats(threads=threads))
        self.settler = Settler(self.holdings, None, "w-1")
        self.feed = Feed(DummyCrew(self.executor), self.holdings, self.settler, Pace())
        self.burial = Burial(self.holdings, self.settler, self.feed, OPTIONS)
        paths = [*rows.PATHS, only_once.module_path, gives_up_when_late.module_path]
        self.claims = []
        for one in tasks:
            rows.enqueue(one)
            self.claims += rows.claim(paths=paths)
        for claim in self.claims:
            self.holdings.add(claim).executor = self.executor
        for serial, claim in enumerate(self.claims, 1):
            self.holdings.get(claim.job_id).serial = serial
        self.executor.hand(self.claims)
        if running:
            self.executor.run(running)
        if threads > 1:
            self.executor.run(running + 1, seat=1)

    def bury(self, exit_code=-9):
        self.burial.of(self.executor, exit_code)
        self.feed.hand_back_spare()
        self.settler.flush()
        return [rows.job(claim.job_id) for claim in self.claims]


def told(row):
    return row.status, row.outcome, row.failures, row.crashes


BACK = ("READY", "released", 0, 0)


@pytest.mark.parametrize(("code", "text"), [(-9, "was killed by signal 9"), (7, "ended with exit status 7")])
def test_only_the_one_that_ran_is_charged_with_the_crash(code, text):
    ended, ran, waited = House().bury(code)
    assert (told(ended), told(ran), told(waited)) == (BACK, ("READY", "crashed", 0, 1), BACK)
    attempt = Attempt.objects.get()
    assert (attempt.job_id, attempt.exception_class) == (ran.pk, "jobqueue.errors.JobCrashed")
    assert text in attempt.traceback


def test_the_last_crash_that_a_job_may_cost_fails_it():
    house = House()
    house.claims[1] = house.executor.outstanding[2] = claim = house.claims[1]._replace(crashes=2)
    house.holdings.add(claim).executor = house.executor
    assert told(house.bury()[1]) == ("FAILED", "crashed", 0, 1)


@pytest.mark.parametrize("outcome", [Outcome.RELEASED, Outcome.LOST])
def test_one_that_the_worker_itself_had_to_end_is_not_charged(outcome):
    house = House()
    house.executor.kill(Doom(outcome, "The worker stopped."))
    assert told(house.bury()[1]) == BACK
    assert Attempt.objects.get().outcome == "released"


def test_one_that_was_late_and_did_not_listen_has_timed_out():
    house = House()
    house.executor.kill(Doom(Outcome.TIMED_OUT, "It ran too long."))
    row = house.bury()[1]
    assert told(row) == ("READY", "timed_out", 1, 0)
    assert Attempt.objects.get().exception_class == "jobqueue.errors.TimeLimitExceeded"


def test_for_good_if_that_was_its_last_attempt():
    house = House([only_once], running=1)
    house.executor.kill(Doom(Outcome.TIMED_OUT, "It ran too long."))
    assert told(house.bury()[0]) == ("FAILED", "timed_out", 1, 0)


def test_for_good_if_its_task_gives_up_on_that():
    house = House([gives_up_when_late], running=1)
    house.executor.kill(Doom(Outcome.TIMED_OUT, "It ran too long."))
    assert told(house.bury()[0]) == ("FAILED", "timed_out", 1, 0)


def test_one_that_was_frozen_has_crashed():
    house = House()
    house.executor.kill(Doom(Outcome.CRASHED, "The process was stopped."))
    assert told(house.bury()[1]) == ("READY", "crashed", 0, 1)
    assert Attempt.objects.get().traceback == "The process was stopped."


def test_between_two_jobs_nobody_is_charged():
    assert [told(row) for row in House(running=0).bury()] == [BACK] * 3
    assert not Attempt.objects.exists()


def test_one_that_had_settled_itself_stays_settled():
    house = House()
    ran = house.claims[1]
    rows.lifecycle.settle(rows.connection(), [(ran.fence, '"done"')])
    row = house.bury()[1]
    assert (row.status, row.result, row.crashes) == ("SUCCESSFUL", "done", 0)


def test_nor_is_the_one_that_came_after_the_one_that_was_late():
    house = House()
    house.executor.kill(Doom(Outcome.TIMED_OUT, "It ran too long.", 1))
    assert told(house.bury()[1]) == BACK


def test_of_several_that_ran_the_one_whose_fault_it_was_is_charged():
    house = House(threads=3)
    house.executor.kill(Doom(Outcome.TIMED_OUT, "It ran too long.", 3))
    assert [told(row) for row in house.bury()] == [BACK, BACK, ("READY", "timed_out", 1, 0)]


def test_also_with_a_crash_for_which_it_may_fail_for_it_is_its_own():
    house = House(threads=3)
    house.executor.kill(Doom(Outcome.CRASHED, "It kept the loop.", 3))
    house.claims[2] = house.executor.outstanding[3] = claim = house.claims[2]._replace(crashes=2)
    holding = house.holdings.add(claim)
    holding.executor, holding.serial = house.executor, 3
    assert [told(row) for row in house.bury()] == [BACK, BACK, ("FAILED", "crashed", 0, 1)]


def test_of_several_that_ran_all_are_charged_when_nobody_knows_whose_fault_it_was():
    ended, *ran = House(threads=3).bury()
    assert told(ended) == BACK
    assert [told(row) for row in ran] == [("READY", "crashed", 0, 1)] * 2


def test_but_none_is_failed_for_what_may_have_been_the_fault_of_another():
    house = House(threads=3)
    for serial in (2, 3):
        house.claims[serial - 1] = house.executor.outstanding[serial] = claim = house.claims[serial - 1]._replace(
            crashes=2
        )
        holding = house.holdings.add(claim)
        holding.executor, holding.serial = house.executor, serial
    assert [told(row) for row in house.bury()[1:]] == [("READY", "crashed", 0, 1)] * 2
