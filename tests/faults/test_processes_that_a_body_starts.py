"""A body forks: what comes of it is no executor, shares no connection, and keeps nobody from seeing who has died."""

import pytest
from django.db import connection

from tests.app import fault_tasks, process_fault_tasks
from tests.app.models import Counter, Entry
from tests.process.pids import living

# On SQLite it would wait for the transaction of the body, which waits for it.
ENDS = [
    how for how in process_fault_tasks.ENDS_OF_FORKS if how != "writes and returns" or connection.vendor != "sqlite"
]


@pytest.mark.parametrize("how", ENDS)
def test_a_fork_that_comes_back_from_the_body_ends_there(world_on, how):
    world = world_on("plain")
    job_id = world.enqueue(process_fault_tasks.fork, how)
    world.enqueue_many(fault_tasks.write, 5)
    worker = world.start(concurrency=1)
    world.assert_all_right()
    row = world.row(job_id)
    assert (row.crashes, row.failures) == (0, 0)
    assert len(world.said("start", job_id)) == 1
    assert worker.poll() is None


def test_a_fork_can_be_told_to_stop(world_on):
    """A pool of processes is ended in that way: one that took no notice would be waited for, for ever."""
    world = world_on("plain")
    world.enqueue(process_fault_tasks.end_a_fork)
    world.start(concurrency=1)
    world.assert_all_right(seconds=30)


def test_a_fork_that_outlives_its_executor_hides_no_death_and_keeps_no_row(world_on):
    world = world_on("plain")
    row = Counter.objects.create(name="row")
    job_id = world.enqueue(process_fault_tasks.fork_and_die, row.pk)
    world.start(concurrency=1)
    fork = world.wait_said("fork", job_id)
    # It has the session of its parent open, so that the server sees nobody hang up.
    world.wait_ended(seconds=10)
    assert living({fork.pid}) == {fork.pid}
    world.assert_all_right()
    row.refresh_from_db()
    assert (world.row(job_id).crashes, row.value) == (1, 1)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_multiprocessing_works_in_a_body(world_on, method):
    world = world_on("plain")
    job_id = world.enqueue(process_fault_tasks.use_multiprocessing, method)
    world.start(concurrency=1)
    world.assert_all_right()
    row = world.row(job_id)
    assert (row.crashes, row.failures) == (0, 0)
    assert sorted(Entry.objects.filter(job="").values_list("note", flat=True)) == ["process 0", "process 1"]


def test_what_a_thread_writes_by_itself_is_not_fenced_and_disturbs_no_fence(world_on):
    world = world_on("plain")
    job_id = world.enqueue(process_fault_tasks.write_in_a_thread)
    world.start(concurrency=1)
    world.assert_all_right()
    assert world.row(job_id).crashes == 1
    # As docs/guarantees.md says: once in each attempt.
    assert Entry.objects.filter(job="", note="thread").count() == 2
