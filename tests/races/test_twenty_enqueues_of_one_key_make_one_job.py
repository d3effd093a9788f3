"""However many enqueue one key at once, there is one job, and all of them are told of it. S1."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from jobqueue import lifecycle
from jobqueue.errors import IdempotencyConflict
from jobqueue.models import Job, LedgerEntry
from tests import rows
from tests.app import tasks


def enqueue(key="order-42", *args):
    created = lifecycle.create(tasks.echo.using(idempotency_key=key), rows.arguments(*args))
    return created.job_id if isinstance(created, lifecycle.Created) else created


def repeatable_read():
    """MariaDB's and MySQL's own default, which Django replaces and a project may ask for again."""
    if connection.vendor == "mysql":
        connection.cursor().execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")


@pytest.mark.parametrize("prepare", [lambda: None, repeatable_read], ids=["as configured", "repeatable read"])
def test_twenty_threads_get_one_job(transactional_db, prepare):
    start = threading.Barrier(20)

    def run(_):
        try:
            connection.ensure_connection()
            prepare()
            start.wait(20)
            return enqueue()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as threads:
        ids = set(threads.map(run, range(20)))
    assert ids == {Job.objects.get().pk} == {LedgerEntry.objects.get().job_id}


def test_the_second_waits_for_the_first_and_gets_its_job(anna, bert):
    anna.begin()
    first = anna.do(enqueue)
    second = bert.start(enqueue)
    bert.waits(second)

    anna.commit()
    assert second.result(10) == first


def test_the_second_makes_the_job_when_the_first_is_undone(anna, bert):
    anna.begin()
    first = anna.do(enqueue)
    second = bert.start(enqueue)
    bert.waits(second)

    anna.roll_back()
    assert second.result(10) != first
    assert Job.objects.get().pk == second.result()


def test_the_second_with_other_arguments_is_told_so(anna, bert):
    anna.begin()
    anna.do(enqueue, "order-42", 1)
    second = bert.start(enqueue, "order-42", 2)
    bert.waits(second)

    anna.commit()
    with pytest.raises(IdempotencyConflict, match="Nothing was enqueued"):
        second.result(10)
    assert Job.objects.count() == 1


def test_many_who_wait_for_one_that_is_undone_do_not_deadlock(anna, transactional_db):
    """Each of them would share a lock on the entry that is left, and wait for the others to give it up."""
    anna.begin()
    anna.do(enqueue)
    begun = threading.Barrier(6)

    def run(_):
        try:
            connection.ensure_connection()
            begun.wait(20)
            with transaction.atomic():
                return enqueue()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(5) as threads:
        answers = [threads.submit(run, number) for number in range(5)]
        begun.wait(20)
        anna.roll_back()
        ids = {answer.result(20) for answer in answers}
    assert ids == {Job.objects.get().pk}


def test_a_key_that_is_known_is_answered_without_waiting_for_others_who_ask(anna, bert):
    """A transaction that enqueues and then goes on for long must not hold up who asks for the same key."""
    first = enqueue()
    anna.begin()
    assert anna.do(enqueue) == first

    again = bert.start(enqueue)
    if connection.vendor == "sqlite":  # Whoever may write holds up all who may.
        anna.commit()
    assert again.result(10) == first
