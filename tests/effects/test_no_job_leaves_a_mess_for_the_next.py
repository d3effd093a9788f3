"""One process runs many jobs on one connection: what a body does to it ends with the job."""

import contextlib

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections, transaction

from jobqueue import once
from jobqueue.worker.messages import How
from tests.app.models import Counter, Entry
from tests.effects.runs import elsewhere

EFFECTS = ["atomic", "steps", "unfenced"]


def write():
    Entry.objects.create(note="next")
    return elsewhere(Entry.objects.filter(note="next").count)


def check_the_next_is_well(perform):
    """Run a job of each kind, and see that its writes are in a transaction where they should be."""
    assert perform(write).result.return_value == 0
    assert perform(lambda: once("step", write), effects="steps").value == "1"
    assert perform(write, effects="unfenced").value == "3"


def enters_a_block():
    transaction.atomic().__enter__()


def enters_a_block_without_savepoint():
    transaction.atomic(savepoint=False).__enter__()


def turns_autocommit_off():
    transaction.set_autocommit(False)


@pytest.mark.parametrize("writes", [False, True], ids=["only opens it", "writes"])
@pytest.mark.parametrize(
    ("effects", "opens"),
    [
        ("atomic", enters_a_block),
        ("atomic", enters_a_block_without_savepoint),
        ("unfenced", enters_a_block),
        ("unfenced", turns_autocommit_off),
        ("steps", enters_a_block),
    ],
)
def test_a_transaction_left_open_is_an_error_and_undone(perform, effects, opens, writes):
    """Its job would be reported done, and its writes be lost with the connection."""
    counter = Counter.objects.create(name="locked?")

    def body():
        opens()
        if writes and effects != "steps":
            Counter.objects.update(value=1)
            return
        list(Counter.objects.all())

    run = perform(body, effects=effects)

    assert (run.how, run.error) == (How.FAILED, "BrokenTransaction")
    assert "with transaction.atomic():" in run.message
    # Nobody waits for what it had locked until another job comes.
    assert elsewhere(Counter.objects.filter(pk=counter.pk, value=0).update, value=5) == 1
    check_the_next_is_well(perform)


@pytest.mark.parametrize("effects", EFFECTS)
def test_nor_is_one_of_a_body_that_raised(perform, effects):
    def body():
        enters_a_block()
        list(Counter.objects.all())
        raise LookupError

    run = perform(body, effects=effects)
    assert (run.how, run.error) == (How.FAILED, "LookupError")
    assert not connection.in_atomic_block
    check_the_next_is_well(perform)


@pytest.mark.parametrize("asks_before", [False, True])
@pytest.mark.parametrize("effects", EFFECTS)
def test_a_body_that_closes_its_connection(perform, effects, asks_before):
    def body():
        if asks_before:
            Entry.objects.count()
        connections.close_all()
        return "closed"

    run = perform(body, effects=effects)

    in_a_transaction = effects == "atomic" and asks_before
    assert run.how == (How.FAILED if in_a_transaction else How.VALUE)
    check_the_next_is_well(perform)


if connection.vendor != "sqlite":  # A file has no server that could hang up.

    def lose_session():
        """Have the server end this thread's session."""
        raw = connection.connection
        kill = "SELECT pg_terminate_backend(%s)" if connection.vendor == "postgresql" else "KILL %s"
        session = raw.info.backend_pid if connection.vendor == "postgresql" else raw.thread_id()
        elsewhere(execute, kill, [session])

    def execute(sql, params):
        with connection.cursor() as cursor:
            cursor.execute(sql, params)

    @pytest.mark.parametrize("effects", EFFECTS)
    def test_a_session_that_was_lost_fails_one_job_alone(perform, effects):
        def body():
            Entry.objects.count()
            lose_session()
            Entry.objects.count()

        run = perform(body, effects=effects)
        assert (run.how, run.job.status, run.job.failures) == (How.FAILED, "READY", 1)
        check_the_next_is_well(perform)

    @pytest.mark.parametrize("effects", EFFECTS)
    def test_nor_is_it_kept_when_the_body_did_not_mind(perform, effects):
        def body():
            Entry.objects.count()
            lose_session()
            with contextlib.suppress(DatabaseError, InterfaceError):
                Entry.objects.count()
            return "did not mind"

        run = perform(body, effects=effects)
        assert run.how == (How.FAILED if effects == "atomic" else How.VALUE)
        check_the_next_is_well(perform)


def succeeds():
    once("step", Counter.objects.count)


def raises():
    raise LookupError


def raises_in_a_step():
    once("step", raises)


def writes_outside():
    Entry.objects.create(note="outside")


def raises_operational_error():
    raise OperationalError("as if the server had gone")


@pytest.mark.parametrize("body", [succeeds, raises, raises_in_a_step, writes_outside, raises_operational_error])
def test_after_steps_the_session_writes_again(perform, body):
    perform(body, effects="steps")
    check_the_next_is_well(perform)
