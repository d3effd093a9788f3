"""A body that works first and then writes keeps nobody waiting; to Django it is in a transaction all along."""

import pytest
from django.db import OperationalError, connection, transaction
from django.tasks import task

from jobqueue.worker.messages import How
from tests.app.models import Counter, Entry
from tests.effects.runs import elsewhere


def test_others_write_until_it_does(perform):
    def body():
        elsewhere(Entry.objects.create, note="somebody else's")
        Entry.objects.create(note="its own")

    assert perform(body).how == How.SETTLED
    assert Entry.objects.count() == 2


@task(takes_context=True, backoff=lambda error, result: 0)
def fails_once(context):
    if context.attempt == 1:
        raise LookupError
    elsewhere(Entry.objects.create, note="somebody else's")
    return context.attempt


def test_others_write_while_a_later_attempt_with_a_context_has_not_asked(stage):
    """Its context is read from the database, before the transaction."""
    assert stage.perform(fails_once).how == How.FAILED
    run = stage.again(fails_once)
    assert (run.how, run.value) == (How.VALUE, "2")
    assert Entry.objects.count() == 1


def test_django_takes_it_for_a_transaction_from_the_beginning(perform):
    def body():
        before = connection.in_atomic_block, connection.get_autocommit()
        with transaction.atomic():
            nested = list(connection.savepoint_ids)
        with transaction.atomic(savepoint=False):
            Entry.objects.create(note="written")
        return [before, len(nested), connection.in_atomic_block]

    assert perform(body).result.return_value == [[True, False], 1, True]
    assert not connection.in_atomic_block
    assert connection.get_autocommit()
    assert (connection.savepoint_ids, connection.atomic_blocks) == ([], [])


def writes_and_fails():
    with transaction.atomic():
        Entry.objects.create(note="undone")
        raise ValueError


def fails():
    with transaction.atomic():
        raise ValueError


@pytest.mark.parametrize("first", [fails, writes_and_fails])
def test_a_block_before_the_first_statement_can_be_undone(perform, first):
    def body():
        with pytest.raises(ValueError):
            first()
        Entry.objects.create(note="kept")

    assert perform(body).how == How.SETTLED
    assert [entry.note for entry in Entry.objects.all()] == ["kept"]


if connection.vendor == "sqlite":

    def test_one_that_could_not_begin_is_not_gone_on_with_outside(perform, rival):
        def body():
            connection.ensure_connection()
            connection.connection.execute("PRAGMA busy_timeout = 20")
            rival.begin()
            rival.do(Counter.objects.create, name="rival")
            for _ in range(2):
                with pytest.raises(OperationalError, match="locked"):
                    Entry.objects.create(note="while it is locked")
            rival.commit()
            Entry.objects.create(note="afterwards")
            assert elsewhere(Entry.objects.count) == 0
            raise LookupError

        run = perform(body)

        assert (run.how, run.error) == (How.FAILED, "LookupError")
        assert not Entry.objects.exists()


def test_two_jobs_in_a_row_begin_anew(perform):
    for number in range(2):
        assert perform(lambda: Entry.objects.create(note="x").pk and None).how == How.SETTLED
        assert perform(lambda n=number: n).how == How.VALUE
    assert Entry.objects.count() == 2
