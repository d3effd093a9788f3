"""Models and migrations agree, and the indexes are what the verbs were written for."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.writer import MigrationWriter

from jobqueue.models import Attempt, Job, LedgerEntry
from tests import rows

pytestmark = pytest.mark.django_db


def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_a_migration_can_be_written_down_as_it_is():
    migration = MigrationLoader(None).get_migration("jobqueue", "0001_initial")
    text = MigrationWriter(migration).as_string()
    assert "jobqueue.indexes.PartialIndex" in text
    assert "only=models.Q(('gate', ''), ('status', 'READY'))" in text


def columns(index):
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, Job._meta.db_table)[index]["columns"]


def test_the_index_of_ready_jobs_is_small_where_it_can_be():
    wanted = ["backend", "queue", "priority", "due_at", "id"]
    assert columns("jobqueue_ready") == (["status", "gate", *wanted] if connection.vendor == "mysql" else wanted)
    assert columns("jobqueue_running") == (["status", "worker_id"] if connection.vendor == "mysql" else ["worker_id"])
    assert columns("jobqueue_finished") == ["finished_at"]
    if connection.vendor != "mysql":
        definitions = {"postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = %s"}
        with connection.cursor() as cursor:
            cursor.execute(
                definitions.get(connection.vendor, "SELECT sql FROM sqlite_master WHERE name = %s"), ["jobqueue_ready"]
            )
            assert "WHERE" in cursor.fetchone()[0]


def test_a_claim_goes_through_the_index_of_ready_jobs():
    for _ in range(20):
        rows.enqueue()
    seen = []

    def explain(execute, sql, params, many, context):
        if not seen:
            prefix = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
            with connection.cursor() as cursor:
                seen.append("")
                if connection.vendor == "postgresql":  # So few rows it would read one by one.
                    cursor.execute("SET LOCAL enable_seqscan = off")
                    cursor.execute("SET LOCAL enable_bitmapscan = off")
                cursor.execute(prefix + sql, params)
                seen.append(str(cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(lambda *call: call[0](*call[1:]) if "SAVEPOINT" in call[1] else explain(*call)):
        rows.claim()
    assert "jobqueue_ready" in seen[1]
    assert "filesort" not in seen[1]
    assert "TEMP B-TREE" not in seen[1]
    assert "Sort" not in seen[1]


def test_no_foreign_key_points_at_a_job():
    """A heartbeat or a record must never wait for a row that a body's transaction holds locked."""
    with connection.cursor() as cursor:
        for model in (Job, Attempt, LedgerEntry):
            assert not connection.introspection.get_relations(cursor, model._meta.db_table)


def test_the_tables_can_be_removed_and_made_again(django_db_blocker, transactional_db):
    call_command("migrate", "jobqueue", "zero", verbosity=0)
    try:
        assert "jobqueue_job" not in connection.introspection.table_names()
    finally:
        call_command("migrate", "jobqueue", verbosity=0)
    assert rows.claimed()
