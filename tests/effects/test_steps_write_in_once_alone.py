"""effects="steps": the database itself refuses every write outside once(), with an error that says what to do. S6."""

import contextlib

import pytest
from django.db import connection, connections, transaction

from jobqueue import once
from jobqueue.models import Job
from jobqueue.worker.messages import How
from tests.app.models import Counter, Entry
from tests.app.tasks import echo


def execute(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def executemany():
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO app_entry (job, note) VALUES (%s, %s)", [["", "outside"], ["", "outside"]])


def in_a_block():
    with transaction.atomic():
        Entry.objects.create(note="outside")


def after_a_block():
    with transaction.atomic():
        Entry.objects.count()
    Entry.objects.create(note="outside")


def on_a_new_connection():
    connections.close_all()
    Entry.objects.create(note="outside")


def on_a_new_connection_in_a_block():
    connection.close()
    in_a_block()


def after_a_step():
    once("step", lambda: Counter.objects.create(name="inside").pk)
    Entry.objects.create(note="outside")


def after_a_step_that_raised():
    with contextlib.suppress(ZeroDivisionError):
        once("step", lambda: 1 / 0)
    Entry.objects.create(note="outside")


def after_a_step_that_closed_the_connection():
    with contextlib.suppress(Exception):
        once("step", connection.close)
    Entry.objects.create(note="outside")


WRITES = [
    lambda: Entry.objects.create(note="outside"),
    lambda: Entry.objects.bulk_create([Entry(note="outside")]),
    lambda: Counter.objects.update(value=5),
    lambda: Counter.objects.all().delete(),
    lambda: execute("INSERT INTO app_entry (job, note) VALUES ('', %s)", "outside"),
    lambda: execute("DELETE FROM app_counter"),
    lambda: echo.enqueue(1),
    executemany,
    in_a_block,
    after_a_block,
    on_a_new_connection,
    on_a_new_connection_in_a_block,
    after_a_step_that_raised,
    after_a_step_that_closed_the_connection,
]


@pytest.mark.parametrize("write", WRITES)
def test_a_write_outside_is_refused(perform, write):
    Counter.objects.create(name="there", value=1)
    run = perform(lambda: write() and None, effects="steps")

    assert (run.how, run.error) == (How.FAILED, "UnfencedWrite")
    assert "call once(" in run.message
    assert not Entry.objects.exists()
    assert list(Counter.objects.values_list("name", "value")) == [("there", 1)]
    assert Job.objects.count() == 1


def test_after_a_step_too(perform):
    run = perform(after_a_step, effects="steps")
    assert (run.how, run.error) == (How.FAILED, "UnfencedWrite")
    assert (Entry.objects.count(), Counter.objects.count()) == (0, 1)


def test_one_that_is_swallowed_is_not_done_either(perform):
    def body():
        for write in WRITES:
            with contextlib.suppress(Exception):
                write()
        once("step", lambda: Entry.objects.create(note="inside").pk)

    perform(body, effects="steps")
    assert not Entry.objects.filter(note="outside").exists()


@pytest.mark.parametrize("close", [False, True])
def test_a_step_writes(perform, close):
    def step():
        Entry.objects.create(note="inside")
        with transaction.atomic():
            Entry.objects.create(note="inside")
        return Entry.objects.count()

    def body():
        if close:
            connections.close_all()
        return once("step", step)

    run = perform(body, effects="steps")
    assert (run.how, run.value) == (How.SETTLED, "2")


def test_a_body_reads_as_it_likes(perform):
    def body():
        counts = [Entry.objects.count()]
        with transaction.atomic():
            counts.append(Entry.objects.count())
            with transaction.atomic():
                counts.append(Entry.objects.count())
        return counts

    assert perform(body, effects="steps").value == "[0,0,0]"
