"""Killed or frozen with a transaction open: what it has locked is free soon; the next attempt does not wait for it."""

import os
import signal
import time

import pytest
from django.db import connection

from tests.app import fault_tasks, process_fault_tasks
from tests.app.models import Counter
from tests.process.pids import living

LEASE = 2.0
SOON = 5.0
TASKS = (process_fault_tasks.hold_a_row, process_fault_tasks.hold_a_row_in_a_step)
needs_a_server = pytest.mark.skipif(connection.vendor == "sqlite", reason="a file's one lock is its process's own")


def lock(world, *tasks):
    """Start a worker, and have each of these tasks lock a row; another worker is idle."""
    victim = world.start("--name", "victim", concurrency=len(tasks))
    jobs = [world.enqueue(task, Counter.objects.create(name=task.name).pk) for task in tasks]
    pids = [world.wait_said("locked", job_id).pid for job_id in jobs]
    world.start("--name", "other", concurrency=len(tasks)).wait_started()
    return victim, jobs, pids


def check_free(world, jobs, since, seconds):
    """Check that the next attempts of all jobs have got the rows by then."""
    for job_id in jobs:
        again = world.wait_said("locked", job_id, times=2)
        assert again.at - since <= seconds
    world.assert_all_right()
    assert set(Counter.objects.values_list("value", flat=True)) == {1}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
@needs_a_server
def test_executors(world_on, number):
    world = world_on("plain")
    _, jobs, pids = lock(world, *TASKS)
    since = time.time()
    for pid in pids:
        os.kill(pid, number)
    check_free(world, jobs, since, SOON if number == signal.SIGKILL else LEASE + SOON)
    assert not living(set(pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
@needs_a_server
def test_a_whole_group(world, number):
    victim, jobs, _ = lock(world, *TASKS)
    since = time.time()
    victim.signal_group(number)
    check_free(world, jobs, since, LEASE + SOON)
    victim.signal_group(signal.SIGCONT)
    late = world.enqueue_many(fault_tasks.write, 5)
    world.assert_all_right()
    assert {world.row(job_id).crashes for job_id in jobs} == {1}
    assert {world.row(job_id).status for job_id in late} == {"SUCCESSFUL"}


@pytest.mark.parametrize("who", ["the executor", "its whole group"])
@needs_a_server
def test_while_the_server_is_busy_with_a_statement_of_theirs(world_on, who):
    """It does not look whether anybody is still there to hear its answer."""
    world = world_on("plain")
    victim, jobs, (pid,) = lock(world, process_fault_tasks.keep_the_server_busy)
    since = time.time()
    if who == "the executor":
        os.kill(pid, signal.SIGKILL)
    else:
        victim.signal_group(signal.SIGKILL)
    check_free(world, jobs, since, SOON if who == "the executor" else LEASE + SOON)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases lock rows")
def test_a_frozen_group_that_has_locked_all_of_sqlite_is_waited_for(world_on):
    world = world_on("default")
    for name in ("first", "second"):
        world.start("--name", name).wait_started()  # Nobody could sign in any more once all is locked.
    job_id = world.enqueue(process_fault_tasks.hold_a_row, Counter.objects.create(name="row").pk)
    world.wait_said("locked", job_id)
    victim = world.workers[0 if world.row(job_id).worker_id.startswith("first-") else 1]
    victim.signal_group(signal.SIGSTOP)
    time.sleep(1.5 * LEASE)  # So that its lease lapses; nobody can write that down.
    victim.signal_group(signal.SIGCONT)
    world.assert_all_right()
    assert [worker.poll() for worker in world.workers] == [None, None]
