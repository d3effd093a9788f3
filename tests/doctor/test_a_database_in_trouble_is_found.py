"""Each trouble of a database is made, and found: silent, locked, badly set, without an index, full of dead rows."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder

from jobqueue import doctor
from jobqueue.doctor import Level, clocks, servers, tables
from jobqueue.models import Attempt, Job, LedgerEntry, PausedQueue, TaskDefinition, Worker
from tests import rows
from tests.waiting import wait_until

postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL alone has this")
mysql = pytest.mark.skipif("connection.vendor != 'mysql'", reason="MariaDB and MySQL alone have this")
sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite alone has this")
on_a_server = pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite is no server")
MODELS = (Job, Attempt, LedgerEntry, Worker, TaskDefinition, PausedQueue)


def test_one_that_is_well_has_no_problem_and_is_left_as_it_was(transactional_db):
    rows.claimed()
    rows.worker(lease=3600)
    before = [list(model.objects.order_by("pk").values()) for model in MODELS]
    findings = [finding for finding in doctor.examine(30.0) if finding.about.partition(".")[0] in ("database", "clock")]
    assert {finding.about for finding in findings if finding.level is Level.PROBLEM} == set()
    assert {"database.answers", "database.commit", "database.indexes", "clock.database"} <= {f.about for f in findings}
    figures = {finding.about: (finding.figure, finding.unit) for finding in findings}
    assert figures["database.commit"][0] > 0
    assert figures["database.commit"][1] == figures["database.answers"][1] == "ms"
    assert [list(model.objects.order_by("pk").values()) for model in MODELS] == before


@pytest.fixture
def database(monkeypatch):
    """Give the settings by which a new connection is opened."""
    values = dict(connections.settings["default"])
    values["OPTIONS"] = dict(values["OPTIONS"])
    monkeypatch.setitem(connections.settings, "default", values)
    return values


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@on_a_server
def test_one_that_says_nothing_is_told_in_time(found, database, listener):
    database["PORT"] = listener
    began = time.monotonic()
    findings = list(doctor.examine(1.0))
    assert time.monotonic() - began < 10
    told = {finding.about: finding for finding in findings}
    assert told["database.answers"].level is Level.PROBLEM
    assert "was not over in 1 s" in told["database.answers"].says
    assert not {about for about in told if about.startswith(("workers", "jobs", "ledger", "clock"))}
    assert any(about.startswith("redis") for about in told), "Redis is looked at all the same"


def test_one_that_is_not_there(found, database):
    database["PORT" if connection.vendor != "sqlite" else "NAME"] = 1 if connection.vendor != "sqlite" else "/no/where"
    finding = found("database.answers")
    assert finding.level is Level.PROBLEM
    assert "DATABASES" in finding.do


@sqlite
def test_a_file_that_somebody_keeps_locked(found):
    with contextlib.closing(connection.copy()) as other:
        other.cursor().execute("BEGIN IMMEDIATE")
        finding = found("database.commit", seconds=1.0)
        other.cursor().execute("ROLLBACK")
    assert finding.level is Level.PROBLEM
    assert "locked" in finding.says


@on_a_server
def test_one_that_does_not_let_us_write(found, database):
    if connection.vendor == "postgresql":
        database["OPTIONS"]["options"] = "-c default_transaction_read_only=on"
    else:
        database["OPTIONS"]["init_command"] = "SET SESSION TRANSACTION READ ONLY"
    finding = found("database.commit")
    assert finding.level is Level.PROBLEM
    assert "does not write" in finding.says


@on_a_server
def test_transactions_that_are_isolated_too_well(found, database):
    if connection.vendor == "postgresql":
        database["OPTIONS"]["options"] = r"-c default_transaction_isolation=repeatable\ read"
    else:
        database["OPTIONS"]["isolation_level"] = "repeatable read"
    finding = found("database.isolation")
    assert finding.level is Level.WARNING
    assert "repeatable read" in finding.says


@mysql
def test_a_server_in_another_time_zone(found, database):
    assert found("database.time-zone").level is Level.OK
    database["OPTIONS"]["init_command"] = "SET time_zone = '+02:00'"
    finding = found("database.time-zone")
    assert (finding.level, finding.figure, finding.unit) == (Level.WARNING, 2.0, "hours")


@postgresql
def test_commits_that_wait_for_no_disk(found, database):
    database["OPTIONS"]["options"] = "-c synchronous_commit=off"
    assert "synchronous_commit is off" in found("database.durability").says


@sqlite
def test_a_journal_that_keeps_readers_waiting(found, database, tmp_path):
    copy = str(tmp_path / "copy.sqlite3")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [copy])  # It has the old journal.
    connection.close()
    database["NAME"] = copy
    database["OPTIONS"]["init_command"] = "PRAGMA synchronous=OFF"
    assert found("database.journal").level is Level.WARNING
    assert "synchronous is OFF" in found("database.durability").says


def test_tables_that_are_not_migrated(found):
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("jobqueue", "0001_initial")
    try:
        told = {finding.about: finding for finding in doctor.examine(30.0)}
    finally:
        recorder.record_applied("jobqueue", "0001_initial")
    assert told["database.migrations"].level is Level.PROBLEM
    assert "0001_initial" in told["database.migrations"].says
    assert "workers.alive" not in told, "what the tables hold is not asked then"


@pytest.mark.parametrize("name", ["jobqueue_ready", "jobqueue_by_task"])
def test_an_index_that_is_gone(found, name):
    (index,) = [index for index in Job._meta.indexes if index.name == name]
    with connection.schema_editor() as editor:
        editor.remove_index(Job, index)
    try:
        finding = found("database.indexes")
    finally:
        with connection.schema_editor() as editor:
            editor.add_index(Job, index)
    assert (finding.level, finding.figure) == (Level.PROBLEM, 1)
    assert name in finding.says
    assert found("database.indexes").level is Level.OK


def test_a_unique_one_that_is_gone(found, monkeypatch):
    (constraint,) = LedgerEntry._meta.constraints
    # SQLite makes the table anew, as the model says.
    with monkeypatch.context() as without, connection.schema_editor() as editor:
        without.setattr(LedgerEntry._meta, "constraints", [])
        editor.remove_constraint(LedgerEntry, constraint)
    try:
        assert "jobqueue_ledger_once" in found("database.indexes").says
    finally:
        with connection.schema_editor() as editor:
            editor.add_constraint(LedgerEntry, constraint)


@postgresql
def test_an_index_that_was_not_built_to_its_end(found):
    for _ in range(2):
        rows.enqueue()
    with connection.cursor() as cursor:
        with pytest.raises(DatabaseError):
            cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY not_unique ON jobqueue_job (queue)")
        try:
            finding = found("database.invalid-indexes")
        finally:
            cursor.execute("DROP INDEX not_unique")
    assert finding.level is Level.PROBLEM
    assert "not_unique" in finding.says


@postgresql
def test_a_table_full_of_dead_rows(found, monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # What other tests have left in other tables.
    monkeypatch.setattr(tables, "MANY_DEAD", 100)
    job_id = rows.enqueue()
    for number in range(200):
        Job.objects.filter(pk=job_id).update(priority=number)
    finding = wait_until(lambda: "jobqueue_job" in (it := found("database.dead-rows")).says and it)
    assert finding.level is Level.WARNING
    assert finding.figure > 100


@on_a_server
def test_a_transaction_that_is_open_for_long(found, monkeypatch):
    monkeypatch.setattr(servers, "LONG_TRANSACTION_SECONDS", 0.5)
    job_id = rows.enqueue()
    begun, over = threading.Event(), threading.Event()

    def keep_open() -> None:
        with transaction.atomic():
            Job.objects.select_for_update().get(pk=job_id)
            begun.set()
            over.wait(30)
        connection.close()

    other = threading.Thread(target=keep_open)
    other.start()
    begun.wait(10)
    try:
        wait_until(lambda: found("database.transactions").level is Level.WARNING)
    finally:
        over.set()
        other.join(10)


def test_a_slow_one(found, monkeypatch):
    monkeypatch.setattr(servers, "SLOW_ROUND_TRIP_MS", 0.0)
    monkeypatch.setattr(servers, "SLOW_COMMIT_MS", 0.0)
    assert found("database.answers").level is Level.WARNING
    assert found("database.commit").level is Level.WARNING


@pytest.mark.parametrize(("seconds", "level"), [(5, Level.WARNING), (-600, Level.PROBLEM)])
def test_a_clock_that_is_off(found, monkeypatch, seconds, level):
    monkeypatch.setattr(clocks, "time", SimpleNamespace(time=lambda: time.time() - seconds))
    finding = found("clock.database")
    assert (finding.level, finding.unit) == (level, "s")
    assert abs(finding.figure - seconds) < 1


def test_a_look_that_is_never_over_is_left(found, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr("jobqueue.doctor.ledger._size", lambda: over.wait(60) and [])
    finding = found("ledger.size", seconds=0.5)
    over.set()
    assert finding.level is Level.WARNING
    assert "was not over in 0.5 s" in finding.says
