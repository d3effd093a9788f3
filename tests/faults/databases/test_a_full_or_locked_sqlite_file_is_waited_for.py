"""SQLite: the file may not grow any more, or somebody keeps it locked for longer than a lease. S3, L1."""

import time

import pytest
from django.db import DatabaseError, connection

from jobqueue.worker.holdings import Holdings
from jobqueue.worker.renewer import Heartbeat
from tests.app import fault_tasks
from tests.races.conftest import anna as anna
from tests.races.conftest import stage as stage
from tests.waiting import wait_until
from tests.worker.parts import DummyCrew, identity, trust

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="This is about SQLite.")


def ask(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def some_jobs(world):
    for task in (fault_tasks.write, fault_tasks.write_in_steps, fault_tasks.value):
        world.enqueue_many(task, 10)


def fill_up(source):
    while True:
        ask(f"INSERT INTO app_entry (job, note) SELECT '', hex(randomblob(90)) FROM {source} RETURNING id")


def test_a_file_that_may_not_grow_until_somebody_makes_room(world_on):
    world = world_on("default")
    most = ask("PRAGMA page_count")[0] + 200
    odd = {
        "DJANGO_SETTINGS_MODULE": "tests.faults.databases.odd_settings",
        "JOBQUEUE_TEST_IDEA": "full",
        "JOBQUEUE_TEST_PAGES": str(most),
    }
    worker = world.start(env=odd)
    worker.wait_started(60)
    held = world.enqueue_many(fault_tasks.hold, 20)
    world.wait_said("start", held[0])
    ask(f"PRAGMA max_page_count = {most}")
    try:
        for source in ("jobqueue_job", "(SELECT 1)"):
            with pytest.raises(DatabaseError, match="full"):
                fill_up(source)
        world.let_go()
        wait_until(lambda: "is full" in worker.output or "is full" in errors(), 60)
    finally:
        ask("DELETE FROM app_entry WHERE job = '' RETURNING id")
        connection.close()
    some_jobs(world)
    world.assert_all_right()
    assert worker.poll() is None


def errors():
    with connection.cursor() as cursor:
        cursor.execute("SELECT traceback FROM jobqueue_attempt")
        return " ".join(text for (text,) in cursor.fetchall())


def test_a_file_that_is_locked_for_longer_than_a_lease(world, anna):
    worker = world.start()
    held = world.enqueue(fault_tasks.hold_in_steps)
    world.wait_said("start", held)
    some_jobs(world)
    anna.begin()
    time.sleep(4)  # A lease is two seconds.
    world.let_go()
    anna.commit()
    world.assert_all_right()
    assert worker.poll() is None


def test_a_heartbeat_does_not_wait_for_as_long_as_the_project_lets_it(anna):
    """If somebody writes for long, a worker trusts itself all the while: whoever would rescue is locked out too."""
    trust_ = trust(-1)
    heartbeat = Heartbeat(Holdings(), DummyCrew(), trust_, identity(), period=0.6, counts_renewals=True)
    heartbeat.tick()
    anna.begin()
    began = time.monotonic()
    for _ in range(2):
        heartbeat._next_beat = 0.0
        heartbeat.tick()
    # The settings say twenty seconds.
    assert time.monotonic() - began < 10
    anna.commit()
