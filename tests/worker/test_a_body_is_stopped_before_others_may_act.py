"""The watchdog: first the body is told, then its process is killed, and in time."""

import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from django.tasks import task

from jobqueue.models import Outcome
from jobqueue.worker.messages import Interrupt, Why
from jobqueue.worker.seats import Seats
from jobqueue.worker.watchdog import Watchdog
from tests.waiting import wait_until
from tests.worker.parts import OPTIONS, Dummy, DummyCrew, claim_of, trust


@task(timeout=5)
def five_seconds():
    raise AssertionError("Nobody calls it.")


@pytest.fixture
def executor():
    return Dummy()


def watchdog(executor, *, trusted=60):
    return Watchdog(DummyCrew(executor), trust(trusted), OPTIONS)


def test_one_that_is_late_is_told_once_and_then_killed(executor):
    claim, dog = claim_of(five_seconds), watchdog(executor)
    serial = executor.begin(claim, seconds=4.9)
    dog.tick()
    assert (executor.heard(), executor.killed) == ([], False)

    executor.run(serial, seconds=5.1)
    dog.tick()
    dog.tick()
    assert executor.heard() == [Interrupt(claim.job_id, Why.TIMED_OUT)]
    assert not executor.killed

    executor.run(serial, seconds=5.1 + OPTIONS.kill_after_seconds)
    dog.tick()
    assert executor.doom.outcome == Outcome.TIMED_OUT
    assert "timeout of 5 s" in executor.doom.text


def test_what_comes_behind_the_body_is_not_late(executor):
    """It may wait for the database, and what became of the body would be lost with it."""
    dog = watchdog(executor)
    serial = executor.begin(claim_of(five_seconds), seconds=60)
    executor.board.body_over()
    dog.tick()
    assert (executor.heard(), executor.killed) == ([], False)

    executor.run(serial, seconds=306)
    executor.board.body_over()
    dog.tick()
    assert executor.doom.outcome == Outcome.TIMED_OUT, "a hook, or a receiver, that does not end"


def test_one_that_does_not_come_up_is_killed(executor):
    executor.up, executor.started_at = False, time.monotonic() - 299
    dog = watchdog(executor)
    dog.tick()
    assert not executor.killed
    executor.started_at -= 2
    dog.tick()
    assert executor.killed


def test_the_job_after_it_is_not_told(executor):
    dog = watchdog(executor)
    executor.begin(claim_of(five_seconds), seconds=6)
    dog.tick()
    executor.heard()
    executor.begin(claim_of(five_seconds), seconds=0)
    dog.tick()
    assert executor.heard() == []


def test_of_several_the_late_one_is_told_and_named_as_the_one_whose_fault_it_is():
    executor = Dummy(seats=Seats(threads=3))
    dog, late = watchdog(executor), claim_of(five_seconds)
    executor.begin(claim_of(), seconds=100, seat=0)
    executor.begin(late, seconds=5.1, seat=1)
    executor.begin(claim_of(five_seconds), seconds=1, seat=2)
    dog.tick()
    dog.tick()
    assert executor.heard() == [Interrupt(late.job_id, Why.TIMED_OUT)]

    executor.run(2, seconds=5.1 + OPTIONS.kill_after_seconds, seat=1)
    dog.tick()
    assert (executor.doom.outcome, executor.doom.serial) == (Outcome.TIMED_OUT, 2)


def test_who_keeps_the_loop_is_named_in_the_place_of_one_that_cannot_be_told():
    executor = Dummy(seats=Seats(coroutines=2))
    executor.begin(claim_of(), seconds=100, seat=1)
    executor.begin(claim_of(five_seconds), seconds=5.1 + OPTIONS.kill_after_seconds, seat=2)
    executor.boards[1].blocks(True)
    watchdog(executor).tick()
    assert (executor.doom.outcome, executor.doom.serial) == (Outcome.CRASHED, 1)


def test_when_trust_is_over_all_are_told():
    executor = Dummy(seats=Seats(threads=2))
    claims = [claim_of() for _ in range(2)]
    for seat, claim in enumerate(claims):
        executor.begin(claim, seat=seat)
    watchdog(executor, trusted=-0.01).tick()
    assert executor.heard() == [Interrupt(claim.job_id, Why.LEASE_LOST) for claim in claims]


def test_each_late_job_is_told(executor):
    dog = watchdog(executor)
    for _ in range(3):
        claim = claim_of(five_seconds)
        executor.begin(claim, seconds=6)
        dog.tick()
        assert executor.heard() == [Interrupt(claim.job_id, Why.TIMED_OUT)]


@task
def says_nothing():
    raise AssertionError("Nobody calls it.")


@task(timeout=math.inf)
def for_ever():
    raise AssertionError("Nobody calls it.")


@pytest.mark.parametrize(("one", "told"), [(five_seconds, True), (says_nothing, True), (for_ever, False)])
def test_the_settings_limit_those_that_say_nothing_of_it(executor, one, told):
    claim = claim_of(one)
    executor.begin(claim, seconds=8)
    Watchdog(DummyCrew(executor), trust(60), replace(OPTIONS, timeout=7.0)).tick()
    assert executor.heard() == ([Interrupt(claim.job_id, Why.TIMED_OUT)] if told else [])


def test_without_a_timeout_nobody_is_late(executor):
    dog = watchdog(executor)
    executor.begin(claim_of(), seconds=1_000_000)
    dog.tick()
    assert (executor.heard(), executor.killed) == ([], False)


def test_when_trust_is_over_the_body_is_told_and_killed_before_the_margin_is(executor):
    """After the margin others may act: it must have ended by then."""
    claim = claim_of()
    executor.begin(claim)
    watchdog(executor, trusted=0.001).tick()
    assert executor.heard() == []

    watchdog(executor, trusted=-0.01).tick()
    assert executor.heard() == [Interrupt(claim.job_id, Why.LEASE_LOST)]
    assert not executor.killed

    watchdog(executor, trusted=-OPTIONS.margin_seconds / 2 - 0.1).tick()
    assert executor.doom.outcome == Outcome.LOST


def test_one_that_settles_is_killed_too_when_trust_is_over(executor):
    """It may be asking for ever how its COMMIT ended."""
    executor.begin(claim_of())
    executor.board.body_over()
    watchdog(executor, trusted=-OPTIONS.margin_seconds).tick()
    assert executor.killed


def test_one_without_a_job_is_left_alone(executor):
    executor.begin(claim_of(five_seconds), seconds=100)
    executor.board.end()
    watchdog(executor, trusted=-100).tick()
    assert (executor.heard(), executor.killed) == ([], False)


@pytest.fixture
def frozen():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    os.kill(process.pid, signal.SIGSTOP)
    yield process
    process.kill()
    process.wait()


def test_a_frozen_process_is_noticed_and_killed_after_a_lease(frozen):
    executor = Dummy(frozen.pid)
    dog = watchdog(executor)
    executor.begin(claim_of())
    wait_until(executor.is_stopped)

    dog.tick()
    assert executor.frozen_since is not None
    assert not executor.killed

    executor.frozen_since -= OPTIONS.lease_seconds + 0.1
    dog._next_look = 0
    dog.tick()
    assert executor.doom.outcome == Outcome.CRASHED


def test_one_that_was_thawed_in_time_is_not(frozen):
    executor = Dummy(frozen.pid)
    dog = watchdog(executor)
    wait_until(executor.is_stopped)
    dog.tick()
    os.kill(frozen.pid, signal.SIGCONT)
    wait_until(lambda: not executor.is_stopped())
    dog._next_look = 0
    dog.tick()
    assert (executor.frozen_since, executor.killed) == (None, False)
