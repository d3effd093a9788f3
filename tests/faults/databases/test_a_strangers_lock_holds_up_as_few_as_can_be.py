"""Somebody keeps a row or a table locked for seconds: workers wait and go on, others' jobs do not wait. L1, L4, L5."""

import os
import signal
import time

import pytest
from django.db import connection, connections

from jobqueue.models import Job, LedgerEntry, Worker
from tests.app import fault_tasks
from tests.races.conftest import anna as anna
from tests.races.conftest import stage as stage
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="A file is locked as a whole, or not.")


def lock_row(model, **which):
    """Lock a row in the transaction that is open."""
    assert model.objects.select_for_update().get(**which)


def lock_table(model):
    """Keep everybody from a table, as a migration does."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE{'S' * (connection.vendor == 'mysql')} {model._meta.db_table}{_WRITE}")


_WRITE = " WRITE" if connection.vendor == "mysql" else ""


def begin_and_lock(actor, lock, *args, **which):
    actor.begin()
    actor.do(lock, *args, **which)


def some_jobs(world):
    return [
        *world.enqueue_many(fault_tasks.value, 20),
        *world.enqueue_many(fault_tasks.write, 20),
        *world.enqueue_many(fault_tasks.write_in_steps, 5),
    ]


def wait_ended(world, job_ids):
    world.wait_ended(job_ids, seconds=30)


@pytest.mark.parametrize("listens", [False, True], ids=["settled in batches", "settled by executors"])
def test_a_locked_job_keeps_no_other_from_its_end(world_on, anna, listens):
    world = world_on("default")
    world.start(listens=listens)
    job_id = world.enqueue(fault_tasks.value, 1.5)
    world.wait_said("start", job_id)
    begin_and_lock(anna, lock_row, Job, pk=job_id)
    wait_ended(world, some_jobs(world))
    time.sleep(2)  # By now the locked one has come to its end, and cannot write it down.
    wait_ended(world, some_jobs(world))
    assert world.row(job_id).status == "RUNNING"
    anna.commit()
    world.assert_all_right()
    assert len(world.said("start", job_id)) == 1


def test_a_job_that_crashed_and_is_locked_keeps_no_other_from_its_end(world_on, anna):
    world = world_on("default")
    world.start(listens=False)
    job_id = world.enqueue(fault_tasks.hold)
    pid = world.wait_said("start", job_id).pid
    begin_and_lock(anna, lock_row, Job, pk=job_id)
    os.kill(pid, signal.SIGKILL)
    time.sleep(2)  # By now its death is known, and cannot be written down.
    wait_ended(world, some_jobs(world))
    assert world.row(job_id).status == "RUNNING"
    anna.commit()
    world.assert_all_right()
    assert world.row(job_id).crashes == 1


def test_a_worker_whose_own_row_is_locked_works_on_and_stops_when_told(world_on, anna):
    """It has its leases to show that it lives."""
    world = world_on("default")
    worker = world.start()
    worker.wait_started()
    begin_and_lock(anna, lock_row, Worker, pid=worker.pid)
    held = world.enqueue(fault_tasks.hold)
    world.wait_said("start", held)
    time.sleep(3)  # More than a lease.
    wait_ended(world, some_jobs(world))
    world.let_go()
    world.wait_ended()
    worker.terminate()
    assert worker.wait(20) == 0
    anna.commit()
    world.assert_all_right()
    assert len(world.said("start", held)) == 1


@pytest.mark.parametrize("model", [Job, LedgerEntry], ids=lambda model: model.__name__)
def test_a_table_that_is_locked_for_seconds_kills_no_worker(world_on, anna, model):
    world = world_on("default")
    worker = world.start()
    held = world.enqueue_many(fault_tasks.hold_in_steps, 2)
    world.wait_said("start", times=2)
    before = some_jobs(world)
    begin_and_lock(anna, lock_table, model)
    time.sleep(3)  # More than a lease.
    world.let_go()
    unlock(anna)
    wait_ended(world, [*held, *before])
    world.assert_all_right()
    assert worker.poll() is None
    assert len(world.said("start")) == len(world.enqueued)


def unlock(actor):
    if connection.vendor == "mysql":
        actor.do(lambda: connections["default"].cursor().execute("UNLOCK TABLES"))
    actor.commit()


def test_a_snapshot_that_stays_open_holds_up_nobody(world_on, anna):
    world = world_on("default")
    world.start()
    anna.begin()
    anna.do(lambda: connections["default"].cursor().execute("SELECT COUNT(*) FROM jobqueue_job"))
    wait_ended(world, some_jobs(world))
    assert wait_until(lambda: not Job.objects.running().exists())
    anna.commit()
    world.assert_all_right()
