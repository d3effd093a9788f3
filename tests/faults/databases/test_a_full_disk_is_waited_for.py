"""The disk of the server is full until somebody makes room. S1, S3, S8, S11, L1."""

import os
import signal
import time

import pytest
from django.db import DatabaseError, connection, connections

from jobqueue.database import error_code
from jobqueue.models import Job
from tests.app import database_fault_tasks, fault_tasks
from tests.app.models import Counter, Entry
from tests.database_server import ServerMissing
from tests.faults.databases.callers import Callers
from tests.full_disk import FullDisk
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="A file has no server.")

FULL = {"postgresql": ("53100", "No space left on device"), "mysql": (1114, "is full")}
STOP = {"postgresql": signal.SIGINT, "mysql": signal.SIGTERM}
# InnoDB ends the server when a rollback finds no room: these say that nobody answers.
GONE = {2002, 2006, 2013}
ABORTS = "[FATAL] InnoDB"
RAISED = 20


@pytest.fixture
def start_on(server):
    """Give `start_on(spared)`: the server is started on a disk that may be full, but for paths with that in them."""
    disks = []

    def start_on(spared):
        try:
            disks.append(FullDisk(server.directory, spared=spared))
        except ServerMissing as missing:
            if "CI" in os.environ:
                raise
            pytest.skip(str(missing))
        connections.close_all()
        server.stop(STOP[connection.vendor])
        server.start(env=disks[-1].env)
        return disks[-1]

    yield start_on
    for disk in disks:
        disk.make_room()


def under_load(world):
    """Start workers, hold two jobs in their bodies, and enqueue others that raise two counters."""
    for _ in range(2):
        world.start().wait_started(60)
    for job_id in [world.enqueue(task) for task in (fault_tasks.hold, fault_tasks.hold_in_steps)]:
        world.wait_said("start", job_id, seconds=60)
    one, two = [Counter.objects.create(name=name) for name in ("one", "two")]
    world.enqueue_many(database_fault_tasks.raise_both, RAISED, one.pk, two.pk)


def use_up():
    """Use the room that files still have within them."""
    try:
        while True:
            Entry.objects.create(note="x" * 200)
    except DatabaseError as error:
        return error_code(error)
    finally:
        connection.close()


def assert_all_right(world):
    world.assert_all_right()
    assert all(worker.poll() is None for worker in world.workers)
    assert list(Counter.objects.values_list("value", flat=True)) == [RAISED, RAISED]
    # They ask the database nothing: that their result finds no room is no failure of theirs.
    assert not Job.objects.filter(task_path=fault_tasks.value.module_path, failures__gt=0).exists()


@pytest.mark.parametrize("backend", ["default", "plain"])
def test_tables_that_may_not_grow(server, start_on, world_on, backend):
    disk, world = start_on("/pg_wal/"), world_on(backend)
    deaths = server.log.count(ABORTS)
    under_load(world)
    code, words = FULL[connection.vendor]
    with Callers(world, 2) as callers:
        disk.fill()
        try:
            assert use_up() in {code} | GONE
            callers.wait_errors(10, 60)
            world.let_go()
            wait_until(lambda: server.log.count(ABORTS) > deaths or any(words in it.output for it in world.workers), 60)
            time.sleep(3)  # A lease is two seconds.
            met = {error_code(error) for error in callers.errors}
        finally:
            disk.make_room()
    if died := server.log.count(ABORTS) > deaths:
        wait_until(lambda: not server.is_running(), 60)
        server.start(env=disk.env)
    assert code in met or died
    assert met <= {code} | (GONE if died else set())
    assert_all_right(world)
    assert died or not Job.objects.filter(crashes__gt=0).exists()


@pytest.mark.skipif(connection.vendor == "mysql", reason="The log of MariaDB keeps its size.")
def test_a_log_that_may_not_grow_either(server, start_on, world_on):
    """PostgreSQL stops itself then, and does not come up before there is room."""
    disk, world = start_on(""), world_on("default")
    panics = server.log.count("PANIC")
    under_load(world)
    with Callers(world, 2) as callers:
        disk.fill()
        wait_until(lambda: begin_another_file() or server.log.count("PANIC") > panics, 60)
        callers.wait_errors(10, 60)
        world.let_go()
        server.stop(signal.SIGQUIT)
        connections.close_all()
        disk.make_room()
        server.start(env=disk.env)
    assert_all_right(world)


def begin_another_file():
    """Have the server begin another file of its log; one that cannot ends every session."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
            cursor.execute("SELECT pg_switch_wal()")
    except DatabaseError:
        connection.close()
