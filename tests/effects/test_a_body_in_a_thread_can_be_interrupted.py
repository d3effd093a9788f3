"""A body in a thread is interrupted before its next step; nothing else is, and nothing that comes after it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from jobqueue import current_job, once
from jobqueue.errors import LeaseLost, TimeLimitExceeded
from jobqueue.worker.executor.threads import ThreadInterrupts
from jobqueue.worker.messages import How, Why
from tests.app.models import Counter, Entry
from tests.effects.runs import Stage, elsewhere
from tests.waiting import wait_until


@pytest.fixture
def seat(stage: Stage) -> Stage:
    """Give an executor whose bodies are interrupted as those of other threads are."""
    stage.interrupts = ThreadInterrupts()
    stage.listen()
    return stage


def interrupt(seat: Stage, why: Why = Why.TIMED_OUT, job_id: Any = None) -> None:
    seat.interrupts.request(job_id or current_job().id, why)


def steps() -> None:
    """Take steps for the interruption to come between."""
    for _ in range(10_000):
        pass


@pytest.mark.parametrize(
    ("why", "error", "how"),
    [(Why.TIMED_OUT, TimeLimitExceeded, How.FAILED), (Why.LEASE_LOST, LeaseLost, How.LOST)],
)
@pytest.mark.parametrize("effects", ["atomic", "steps", "unfenced"])
def test_the_error_is_raised_in_it_and_leaves_nothing(seat, effects, why, error, how):
    cleaned = []

    def body():
        if effects == "atomic":
            Entry.objects.create(note="struck")
        try:
            interrupt(seat, why)
            steps()
            cleaned.append("went on")
        except error:
            cleaned.append("told")
            raise
        finally:
            cleaned.append("finally")

    run = seat.perform(body, effects=effects)
    assert (run.how, cleaned) == (how, ["told", "finally"])
    assert not Entry.objects.exists()
    if how is How.FAILED:
        assert "longer than the task's timeout" in run.message


def test_a_job_that_does_not_run_here_is_not_interrupted(seat):
    def body():
        interrupt(seat, job_id=uuid4())
        steps()
        return "undisturbed"

    assert seat.perform(body).value == '"undisturbed"'


def test_who_swallows_it_goes_on_and_the_next_job_is_not_struck(seat):
    def body():
        try:
            interrupt(seat)
            steps()
        except TimeLimitExceeded:
            pass
        return "went on"

    assert seat.perform(body).value == '"went on"'
    assert seat.perform(lambda: steps() or "next").value == '"next"'


def test_what_was_asked_for_and_has_not_struck_yet_is_taken_back(seat):
    """Native code is over before the interpreter comes to raise anything; what follows is no body."""
    interrupts, job_id = seat.interrupts, uuid4()
    with interrupts.allowed(job_id, is_coroutine=False):
        interrupts._pending = job_id, Why.TIMED_OUT
    interrupts._strike()
    steps()
    assert not interrupts.struck


def test_one_that_is_asked_for_when_the_body_is_over_strikes_nobody(seat):
    ids = []
    assert seat.perform(lambda: ids.append(current_job().id)).how is How.VALUE
    interrupt(seat, job_id=ids[0])
    steps()
    assert not seat.interrupts.struck


class Overtaken:
    """A lock: behind its back, something happens as soon as it is taken."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self.lock, self._happens = threading.RLock(), happens

    def acquire(self, *how: Any) -> bool:
        self.lock.acquire(*how)
        self._happens()
        return True

    def release(self) -> None:
        self.lock.release()

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()


def test_while_it_logs_it_is_left_alone_for_others_wait_for_the_lock(seat):
    handler, asked = logging.StreamHandler(StringIO()), []

    def interrupt_once() -> None:
        if not asked:
            asked.append(True)
            interrupt(seat)
            steps()

    handler.lock = Overtaken(interrupt_once)

    def body():
        handler.handle(logging.makeLogRecord({"msg": "in the middle of this"}))
        wait_until(lambda: False)

    assert seat.perform(body).how is How.FAILED
    assert "in the middle of this" in handler.stream.getvalue()
    assert elsewhere(lambda: handler.lock.lock.acquire(timeout=5))


def test_right_behind_begin_nothing_is_left_open(seat, monkeypatch):
    begin = "_start_transaction_under_autocommit" if connection.vendor == "sqlite" else "_set_autocommit"
    counter = Counter.objects.create(name="locked?")

    def body():
        original = getattr(connection, begin)

        def struck(*args, **kwargs):
            original(*args, **kwargs)
            monkeypatch.delattr(connection, begin)
            interrupt(seat)

        monkeypatch.setattr(connection, begin, struck)
        Entry.objects.create(note="struck")

    assert seat.perform(body).how is How.FAILED
    assert not Entry.objects.exists()
    assert elsewhere(Counter.objects.filter(pk=counter.pk, value=0).update, value=5) == 1
    assert seat.perform(lambda: once("step", Entry.objects.count), effects="steps").value == "0"
