"""An error is raised in a body from outside, when its time or its lease is over: in that body, and in nothing else."""

import asyncio
import threading
import time

import pytest

from jobqueue import lifecycle
from jobqueue.errors import LeaseLost, TimeLimitExceeded
from jobqueue.worker.messages import How, Why
from tests.app.models import Entry

# Longer than any test: only an interruption ends it.
FOREVER = 60


@pytest.fixture
def interrupt(stage):
    """Interrupt the job that is running, from another thread, as the mailbox does."""

    def interrupt(why=Why.TIMED_OUT):
        job_id = stage.interrupts._job_id
        threading.Thread(target=lambda: stage.interrupts.request(job_id, why)).start()

    return interrupt


@pytest.mark.parametrize(
    ("why", "error", "how"),
    [(Why.TIMED_OUT, TimeLimitExceeded, How.FAILED), (Why.LEASE_LOST, LeaseLost, How.LOST)],
)
def test_a_body_that_sleeps_is_woken_by_the_error(perform, interrupt, why, error, how):
    met = []

    def body():
        Entry.objects.create(note="written")
        try:
            interrupt(why)
            time.sleep(FOREVER)
        except Exception as raised:
            met.append(type(raised))
            raise

    run = perform(body)
    assert (met, run.how, Entry.objects.count()) == ([error], how, 0)
    if how == How.FAILED:
        assert (run.job.outcome, run.job.status, run.error) == ("timed_out", "READY", "TimeLimitExceeded")
    else:
        assert run.job.status == "RUNNING"


@pytest.mark.parametrize(
    ("why", "how"), [(Why.TIMED_OUT, How.FAILED), (Why.LEASE_LOST, How.LOST)], ids=lambda value: value.name
)
def test_a_coroutine_is_cancelled(perform, interrupt, why, how):
    met = []

    async def body():
        await Entry.objects.acreate(note="written")
        interrupt(why)
        try:
            await asyncio.sleep(FOREVER)
        except asyncio.CancelledError:
            met.append("cancelled")
            raise

    run = perform(body)
    assert (met, run.how, Entry.objects.count()) == (["cancelled"], how, 0)
    assert run.job.outcome == ("timed_out" if how == How.FAILED else "")


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_one_that_goes_on_in_spite_of_it_may_still_end(perform, interrupt, kind):
    """The worker kills it, if it takes too long."""

    def sleeps():
        interrupt()
        time.sleep(FOREVER)

    def function():
        with pytest.raises(TimeLimitExceeded):
            sleeps()
        return "finished"

    async def coroutine():
        interrupt()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(FOREVER)
        return "finished"

    assert perform({"function": function, "coroutine": coroutine}[kind]).value == '"finished"'


def test_the_next_attempt_is_not_cancelled_for_the_last_one(stage, interrupt):
    async def fails_when_cancelled():
        interrupt()
        try:
            await asyncio.sleep(FOREVER)
        except asyncio.CancelledError:
            raise LookupError from None

    async def succeeds():
        await asyncio.sleep(0)
        return "finished"

    assert stage.perform(fails_when_cancelled).error == "LookupError"
    assert stage.again(succeeds).value == '"finished"'


def test_what_comes_too_late_hits_nobody(stage):
    ended = stage.perform(lambda: None)
    running = []

    def body():
        # For the job before, which has ended meanwhile.
        stage.interrupts.request(ended.id, Why.TIMED_OUT)
        running.append(stage.interrupts._job_id)
        return "not interrupted"

    run = stage.perform(body)
    stage.interrupts.request(run.id, Why.TIMED_OUT)
    assert (run.value, running) == ('"not interrupted"', [run.id])


def test_nothing_but_a_body_is_interrupted(stage, monkeypatch):
    """Above all not the transaction that settles it."""
    succeed, asked = lifecycle.succeed, []

    def interrupted_while_settling(connection, fence, value):
        asked.append(fence.job_id)
        stage.interrupts.request(fence.job_id, Why.TIMED_OUT)
        return succeed(connection, fence, value)

    monkeypatch.setattr(lifecycle, "succeed", interrupted_while_settling)
    run = stage.perform(lambda: Entry.objects.create(note="written").note)
    assert (run.how, asked) == (How.SETTLED, [run.id])
    assert run.result.return_value == "written"
