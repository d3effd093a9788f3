"""A server takes no writes, or no connections, for a while: said, waited for, and nothing is lost. S3, L1."""

from contextlib import suppress

import pytest
from django.db import DatabaseError, connection

from jobqueue.models import Attempt
from tests.app import fault_tasks
from tests.app.models import Entry
from tests.app.sessions import session_of, sessions_here
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="A file has no server.")

END_SESSION = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}


def say(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def ask(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def take_every_place(others):
    while True:
        other = connection.copy()
        other.ensure_connection()
        others.append(other)


def some_jobs(world):
    for task in (fault_tasks.write, fault_tasks.write_in_steps, fault_tasks.value):
        world.enqueue_many(task, 10)


def test_too_many_connections(server, world_on):
    world = world_on("default")
    worker = world.start()
    world.enqueue(fault_tasks.write)
    world.wait_ended()
    some_jobs(world)
    others = []

    def nobody_gets_in():
        """End the worker's sessions and take their places, until it has met a server that is full."""
        for session in sessions_here() - {session_of(it) for it in [connection, *others]}:
            with suppress(DatabaseError):  # It may have gone by itself.
                say(END_SESSION[connection.vendor], session)
        with pytest.raises(DatabaseError, match="oo many"):
            take_every_place(others)
        return "oo many" in worker.output

    try:
        wait_until(nobody_gets_in, 30)
    finally:
        for other in others:
            other.close()
    world.assert_all_right()
    assert worker.poll() is None


def test_a_server_that_takes_no_writes_for_a_while(server, world_on, set_read_only):
    world = world_on("default")
    worker = world.start(concurrency=2)
    held = [world.enqueue(task) for task in (fault_tasks.hold, fault_tasks.hold_in_steps)]
    for job_id in held:
        world.wait_said("start", job_id)
    wait_until(lambda: Entry.objects.filter(job=str(held[1])).exists())
    some_jobs(world)
    set_read_only(True)
    with pytest.raises(DatabaseError, match=r"read.only"):
        world.enqueue(fault_tasks.write)
    done = Entry.objects.count()
    world.let_go()
    worker.wait_output("does not answer", 20)
    assert Entry.objects.count() == done
    set_read_only(False)
    world.assert_all_right()
    assert worker.poll() is None
    # It is the server that refused: nothing is said of steps.
    assert not Attempt.objects.filter(exception_class__contains="UnfencedWrite").exists()


@pytest.fixture
def set_read_only(server, monkeypatch):
    def set_read_only(on):
        if connection.vendor == "postgresql":
            say(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
            say("SELECT pg_reload_conf()")
            wait_until(lambda: ask("SHOW default_transaction_read_only") == ("on" if on else "off"))
        else:
            server.say(f"SET GLOBAL read_only = {int(on)}")

    if connection.vendor == "mysql":
        # Root may write all the same.
        server.say("CREATE USER IF NOT EXISTS plain@'%'")
        server.say("GRANT ALL ON jobqueue.* TO plain@'%'")
        connection.close()
        connection.settings_dict["USER"] = "plain"
        monkeypatch.setenv("DATABASE_URL", server.url.replace("root@", "plain@"))
    yield set_read_only
    set_read_only(False)
