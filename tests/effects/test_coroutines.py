"""A task may be a coroutine: what it does through the ORM is fenced as in any other body."""

import asyncio

import pytest
from asgiref.sync import sync_to_async

from jobqueue import current_job, once
from jobqueue.worker.messages import How
from tests.app.models import Entry
from tests.effects.runs import elsewhere, revoke


def test_what_it_writes_becomes_visible_with_its_result(perform):
    seen = []

    async def body():
        await Entry.objects.acreate(note="written")
        seen.append(await sync_to_async(elsewhere)(Entry.objects.count))
        return await Entry.objects.acount()

    run = perform(body)
    assert (seen, run.how, run.result.return_value, Entry.objects.count()) == ([0], How.SETTLED, 1, 1)


def test_one_that_raises_leaves_nothing(perform):
    async def body():
        await Entry.objects.acreate(note="written")
        raise LookupError

    run = perform(body)
    assert (run.how, run.error, Entry.objects.count()) == (How.FAILED, "LookupError", 0)


def test_one_that_is_stale_leaves_nothing(perform):
    async def body():
        await sync_to_async(elsewhere)(revoke, current_job().id)
        await Entry.objects.acreate(note="late")

    run = perform(body)
    assert (run.how, Entry.objects.count(), run.attempt.refused_writes) == (How.LOST, 0, 1)


def test_one_that_asked_nothing_costs_nothing(perform):
    async def body():
        await asyncio.sleep(0)
        return "value"

    assert perform(body).how == How.VALUE


def test_its_steps(perform):
    async def body():
        with pytest.raises(Exception, match="once"):
            await Entry.objects.acreate(note="outside")
        return await sync_to_async(once)("step", lambda: Entry.objects.create(note="inside") and elsewhere(int))

    run = perform(body, effects="steps")
    assert (run.how, run.value) == (How.SETTLED, "0")
    assert [entry.note for entry in Entry.objects.all()] == ["inside"]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_one_that_ends_in_a_hard_way_fails_alone(perform, error):
    async def body():
        raise error

    run = perform(body)
    assert (run.how, run.error) == (How.FAILED, type(error).__name__)


def test_it_may_start_others_as_it_likes(perform):
    async def one(number):
        await asyncio.sleep(0)
        await Entry.objects.acreate(note=str(number))

    async def body():
        await asyncio.gather(*(one(number) for number in range(5)))

    assert perform(body).how == How.SETTLED
    assert Entry.objects.count() == 5
