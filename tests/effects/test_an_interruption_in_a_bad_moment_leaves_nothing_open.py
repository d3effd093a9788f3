"""A body is interrupted between two lines of any code: also where a transaction has begun and nobody has noted it."""

import signal

import pytest
from django.db import connection, transaction

from jobqueue import once
from jobqueue.worker.messages import How, Why
from tests.app.models import Counter, Entry
from tests.effects.runs import elsewhere

# What Django calls to begin a transaction.
BEGIN = "_start_transaction_under_autocommit" if connection.vendor == "sqlite" else "_set_autocommit"


@pytest.fixture
def strike(stage, monkeypatch):
    """Have the body interrupted right behind the next call of a method of its connection."""

    def strike(name, why):
        original = getattr(connection, name)

        def struck(*args, **kwargs):
            original(*args, **kwargs)
            monkeypatch.delattr(connection, name)
            stage.interrupts._pending = stage.interrupts._job_id, why
            signal.raise_signal(signal.SIGUSR1)

        monkeypatch.setattr(connection, name, struck)

    return strike


def write():
    Entry.objects.create(note="next")
    return elsewhere(Entry.objects.filter(note="next").count)


def in_a_block():
    with transaction.atomic():
        Entry.objects.create(note="struck")


def in_a_step():
    once("step", Entry.objects.create, note="struck")


@pytest.mark.parametrize("why", Why)
@pytest.mark.parametrize(
    ("effects", "writes"),
    [("atomic", lambda: Entry.objects.create(note="struck") and None), ("steps", in_a_step), ("unfenced", in_a_block)],
    ids=["atomic", "steps", "unfenced"],
)
def test_right_behind_begin(perform, strike, effects, writes, why):
    counter = Counter.objects.create(name="locked?")

    def body():
        strike(BEGIN, why)
        writes()

    run = perform(body, effects=effects)

    assert run.how == (How.LOST if why == Why.LEASE_LOST else How.FAILED)
    assert not Entry.objects.exists()
    # Nobody waits for what it had locked until another job comes.
    assert elsewhere(Counter.objects.filter(pk=counter.pk, value=0).update, value=5) == 1
    # And those have their writes in a transaction where they should be.
    assert perform(write).result.return_value == 0
    assert perform(lambda: once("step", write), effects="steps").value == "1"
    assert perform(write, effects="unfenced").value == "3"
