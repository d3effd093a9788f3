"""task_started and task_finished: told by whoever runs the body, once it is true, and unable to change it."""

import asyncio

import pytest
from django.db import connection
from django.tasks import task
from django.tasks.signals import task_enqueued, task_finished, task_started

from jobqueue.backend import JobQueueBackend
from jobqueue.models import Job
from jobqueue.worker.messages import How
from tests.app.models import Entry
from tests.effects.emptied import transactional_db as transactional_db
from tests.effects.runs import Stage, elsewhere, revoke
from tests.rows import everything


@pytest.fixture
def told(transactional_db):
    """Note what is told, with what the row says then to others; each receiver raises after that."""
    told = []

    def receiver(name):
        def receive(sender, task_result, **_):
            row = elsewhere(everything, task_result.id)
            told.append((name, task_result.status, row and row["status"], task_result.attempts))
            assert sender is JobQueueBackend
            raise RuntimeError("A receiver that raises.")

        return receive

    receivers = {"enqueued": task_enqueued, "started": task_started, "finished": task_finished}
    kept = {name: receiver(name) for name in receivers}
    for name, signal in receivers.items():
        signal.connect(kept[name])
    yield told
    for name, signal in receivers.items():
        signal.disconnect(kept[name])


@pytest.fixture
def perform(told):
    """A stage that knows that somebody listens."""
    return Stage().perform


@task(max_attempts=2, backoff=lambda error, result: 0)
def fails():
    raise LookupError


def test_of_a_job_that_wrote(perform, told):
    run = perform(lambda: Entry.objects.create(note="written").note)
    assert told == [("enqueued", "READY", "READY", 0), ("started", "RUNNING", "RUNNING", 1), _done()]
    assert (run.how, run.result.return_value) == (How.SETTLED, "written")


@pytest.mark.parametrize("effects", ["atomic", "steps", "unfenced"])
def test_of_a_job_that_left_only_a_value(perform, told, effects):
    """Its worker would settle it later, in a batch, and runs no receivers: so it is settled before."""
    run = perform(lambda: "value", effects=effects)
    assert told[-1] == _done()
    assert (run.how, run.result.return_value) == (How.SETTLED, "value")


def _done():
    return ("finished", "SUCCESSFUL", "SUCCESSFUL", 1)


def test_of_a_job_that_failed_only_the_last_time(told):
    stage = Stage()
    stage.perform(fails)
    stage.again(fails)
    assert [name for name, *_ in told] == ["enqueued", "started", "started", "finished"]
    assert told[-1] == ("finished", "FAILED", "FAILED", 2)
    assert told[-2] == ("started", "RUNNING", "RUNNING", 2)


def test_of_a_job_that_is_anothers_nothing(perform, told):
    from jobqueue import current_job

    for effects in ("atomic", "unfenced"):
        run = perform(lambda: elsewhere(revoke, current_job().id), effects=effects)
        assert run.how == How.LOST
    assert "finished" not in [name for name, *_ in told]


def test_a_receiver_may_be_a_coroutine(transactional_db):
    told = []

    async def receive(sender, task_result, **_):
        await asyncio.sleep(0)
        told.append(task_result.status)

    task_finished.connect(receive)
    try:
        Stage().perform(lambda: None)
    finally:
        task_finished.disconnect(receive)
    assert told == ["SUCCESSFUL"]


def test_a_receiver_that_leaves_a_mess_leaves_it_to_nobody(transactional_db):
    def receive(sender, task_result, **_):
        from django.db import transaction

        transaction.atomic().__enter__()
        Entry.objects.create(note="mess")

    task_finished.connect(receive)
    stage = Stage()
    try:
        assert stage.perform(lambda: None).how == How.SETTLED
        assert not connection.in_atomic_block
        assert stage.perform(lambda: Entry.objects.count()).how == How.SETTLED
    finally:
        task_finished.disconnect(receive)
    assert set(Job.objects.values_list("status", flat=True)) == {"SUCCESSFUL"}
    assert not Entry.objects.exists()


def test_without_receivers_nobody_waits_for_a_settlement(transactional_db):
    assert Stage().perform(lambda: None).how == How.VALUE
