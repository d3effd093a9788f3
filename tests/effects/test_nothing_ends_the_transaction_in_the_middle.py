"""COMMIT, and what commits by itself on MariaDB and MySQL, is refused before it runs."""

import pytest
from django.db import connection, transaction

from jobqueue.worker.messages import How
from tests.app.models import Counter, Entry

ENDS = [
    "COMMIT",
    "commit work",
    "  \n COMMIT",
    "/* why */ COMMIT",
    "-- why\nCOMMIT",
    "ROLLBACK",
    "BEGIN",
    "START TRANSACTION",
    "END",
    "UPDATE app_entry SET note = 'half'; COMMIT; SELECT 1",
    "UPDATE app_entry SET note = 'half'; /* why */ rollback",
    b"COMMIT",
]
COMMITS_BY_ITSELF = [
    "CREATE TABLE extra (id int)",
    "create  or replace table extra (id int)",
    "# why\nALTER TABLE app_entry ADD COLUMN extra int",
    "DROP TABLE IF EXISTS extra",
    "TRUNCATE app_counter",
    "RENAME TABLE app_entry TO extra",
    "LOCK TABLES app_entry WRITE",
    "UNLOCK TABLES",
    "ANALYZE TABLE app_entry",
    "OPTIMIZE NO_WRITE_TO_BINLOG TABLE app_entry",
    "GRANT SELECT ON *.* TO nobody@localhost",
    "FLUSH STATUS",
    "SET autocommit = 1",
    "SET SESSION autocommit=1",
    "SET @@autocommit = 1",
    "UPDATE app_entry SET note = 'half'; DROP TABLE IF EXISTS extra",
]
HARMLESS = [
    "SELECT 'COMMIT'",
    "SELECT 1 -- COMMIT",
    "UPDATE app_entry SET note = 'commit' WHERE note = 'rollback'",
    "SELECT 1 AS commit_count",
    "CREATE TEMPORARY TABLE scratch (id int)",
]
if connection.vendor == "mysql":
    ENDS += COMMITS_BY_ITSELF
    HARMLESS += ["DROP TEMPORARY TABLE IF EXISTS scratch", "ANALYZE SELECT 1", "SET @autocommit = 1"]
if connection.vendor == "postgresql":
    from psycopg import sql

    ENDS += [sql.SQL("COMMIT"), "ABORT", "PREPARE TRANSACTION 'half'"]
    # Its DDL is a part of the transaction like anything else.
    HARMLESS += ["CREATE TABLE extra (id int)", "DO $$ BEGIN UPDATE app_entry SET note = ''; END $$"]


def say(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", ENDS)
def test_it_is_refused_and_undoes_what_was_written(perform, statement):
    def body():
        Entry.objects.create(note="half")
        say(statement)
        raise AssertionError("It was not refused.")

    run = perform(body)

    assert (run.how, run.error) == (How.FAILED, "UnfencedWrite")
    assert 'effects="unfenced"' in run.message
    assert not Entry.objects.exists()


def test_it_is_refused_as_the_first_statement(perform):
    run = perform(lambda: say("COMMIT"))
    assert (run.how, run.error) == (How.FAILED, "UnfencedWrite")


def test_what_only_looks_like_it_passes(perform):
    def body():
        with transaction.atomic():
            Entry.objects.create(note="kept")
        for statement in HARMLESS:
            say(statement)
        sid = connection.savepoint()
        say(f"ROLLBACK TO SAVEPOINT {connection.ops.quote_name(sid)}")
        say(f"RELEASE SAVEPOINT {connection.ops.quote_name(sid)}")
        transaction.set_rollback(False)
        if connection.vendor == "postgresql":
            say("DROP TABLE extra")

    run = perform(body)
    assert run.how == How.SETTLED, run.attempt.traceback
    assert Entry.objects.count() == 1


@pytest.mark.parametrize("end", [transaction.commit, transaction.rollback, lambda: transaction.set_autocommit(True)])
def test_djangos_own_ways_are_refused_by_django(perform, end):
    def body():
        Entry.objects.create(note="half")
        end()

    run = perform(body)
    assert (run.how, run.error) == (How.FAILED, "TransactionManagementError")
    assert not Entry.objects.exists()


@pytest.mark.parametrize("asked_before", [False, True])
def test_a_block_that_must_be_durable_cannot_be(perform, asked_before):
    """It would be committed with the body, not at its own end."""

    def body():
        if asked_before:
            Counter.objects.count()
        with transaction.atomic(durable=True):
            Entry.objects.create(note="durable")

    run = perform(body)
    assert (run.how, run.error) == (How.FAILED, "RuntimeError")
    assert not Entry.objects.exists()


def test_without_a_fence_it_is_the_bodys_own_business(perform):
    def body():
        transaction.set_autocommit(False)
        Entry.objects.create(note="kept")
        transaction.commit()
        transaction.set_autocommit(True)

    assert perform(body, effects="unfenced").how == How.VALUE
    assert Entry.objects.count() == 1
