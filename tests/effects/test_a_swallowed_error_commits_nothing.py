"""A database error that a body swallows may have undone part of its transaction: nothing of it is committed. S13."""

import contextlib

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from jobqueue.worker.messages import How
from tests.app.models import Counter, Entry


@contextlib.contextmanager
def swallowed(*errors):
    with pytest.raises(errors or DatabaseError):
        yield


def breaks_a_constraint():
    Counter.objects.create(name="taken")


def is_no_sql():
    with connection.cursor() as cursor:
        cursor.execute("SELECT nonsense FROM nowhere")


def breaks_one_of_many():
    Entry.objects.create(note="on the way")
    Counter.objects.bulk_create([Counter(name="free"), Counter(name="taken")])


@pytest.fixture
def taken(transactional_db):
    return Counter.objects.create(name="taken")


@pytest.mark.parametrize("goes_on", [True, False], ids=["goes on", "returns"])
@pytest.mark.parametrize("mistake", [breaks_a_constraint, is_no_sql])
def test_it_undoes_what_was_written_before_and_after(perform, taken, mistake, goes_on):
    def body():
        Entry.objects.create(note="before")
        with swallowed():
            mistake()
        # PostgreSQL refuses whatever comes now; the others would go on as if nothing had been.
        if goes_on and connection.vendor != "postgresql":
            # So does Django, when it was the ORM that met the error.
            with contextlib.suppress(transaction.TransactionManagementError):
                Entry.objects.create(note="after")
        return "all is well"

    run = perform(body)

    assert (run.how, run.error) == (How.FAILED, "BrokenTransaction")
    assert "transaction.atomic()" in run.message
    assert not Entry.objects.exists()
    assert run.job.status == "READY"


@pytest.mark.parametrize("mistake", [breaks_a_constraint, is_no_sql, breaks_one_of_many])
def test_in_a_block_of_the_bodys_own_it_undoes_that_block_alone(perform, taken, mistake):
    def body():
        Entry.objects.create(note="before")
        with swallowed(), transaction.atomic():
            mistake()
        Entry.objects.create(note="after")

    run = perform(body)

    assert run.how == How.SETTLED
    assert set(Entry.objects.values_list("note", flat=True)) == {"before", "after"}


def test_what_django_itself_tries_is_no_error(perform, taken):
    def body():
        _, created = Counter.objects.get_or_create(name="taken")
        return created

    assert perform(body).result.return_value is False


def test_a_body_can_ask_for_its_own_rollback(perform):
    def body():
        Entry.objects.create(note="unwanted")
        transaction.set_rollback(True)

    run = perform(body)

    assert (run.how, run.error) == (How.FAILED, "BrokenTransaction")
    assert not Entry.objects.exists()


if connection.vendor == "sqlite":

    def test_nothing_is_written_outside_when_the_database_ends_the_transaction(perform, taken):
        """As SQLite may do by itself when the disk is full."""

        def body():
            Entry.objects.create(note="before")
            with swallowed(IntegrityError), connection.cursor() as cursor:
                cursor.execute("INSERT OR ROLLBACK INTO app_counter (name, value) VALUES ('taken', 0)")
            with contextlib.suppress(transaction.TransactionManagementError):
                Entry.objects.create(note="after")

        run = perform(body)

        assert (run.how, run.error) == (How.FAILED, "BrokenTransaction")
        assert not Entry.objects.exists()


if connection.vendor == "mysql":

    def set_to(counter, value):
        Counter.objects.filter(pk=counter.pk).update(value=value)

    @pytest.mark.parametrize("own_block", [False, True], ids=["plain", "in its own block"])
    def test_a_deadlock_undoes_the_whole_transaction(perform, rival, own_block):
        """The server rolls back all of it, savepoints too, and Django would commit the second half."""
        ours, theirs = Counter.objects.create(name="ours"), Counter.objects.create(name="theirs")
        waiting = []

        def body():
            Entry.objects.create(note="before")
            set_to(ours, 1)
            rival.begin()
            # Who has written less is the one that is rolled back.
            rival.do(Entry.objects.bulk_create, [Entry(note="ballast") for _ in range(200)])
            rival.do(set_to, theirs, 2)
            waiting.append(rival.start(set_to, ours, 2))
            rival.waits(waiting[0])
            block = transaction.atomic() if own_block else contextlib.nullcontext()
            with swallowed(OperationalError) as error, block:
                set_to(theirs, 1)
            seen.append(error)
            waiting[0].result(10)
            rival.commit()
            with contextlib.suppress(transaction.TransactionManagementError):
                Entry.objects.create(note="after")
            return "all is well"

        seen = []
        run = perform(body)

        assert (run.how, run.error) == (How.FAILED, "BrokenTransaction")
        assert "1213" in run.attempt.traceback
        assert set(Entry.objects.values_list("note", flat=True)) == {"ballast"}
        assert set(Counter.objects.values_list("value", flat=True)) == {2}

    def test_a_lock_that_was_not_to_be_had_undoes_an_unknown_part(perform, rival):
        """One statement, or with innodb_rollback_on_timeout the whole transaction."""
        theirs = Counter.objects.create(name="theirs")
        rival.begin()
        rival.do(set_to, theirs, 2)

        def body():
            Entry.objects.create(note="before")
            with connection.cursor() as cursor:
                cursor.execute("SET innodb_lock_wait_timeout = 1")
            with swallowed(OperationalError), transaction.atomic():
                set_to(theirs, 1)
            Entry.objects.create(note="after")

        run = perform(body)
        rival.commit()

        assert (run.how, run.error) == (How.FAILED, "BrokenTransaction")
        assert "1205" in run.attempt.traceback
        assert not Entry.objects.exists()
