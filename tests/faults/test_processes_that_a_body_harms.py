"""Bodies that kill or maim the process that runs them: their own attempt pays for it, no other job and no worker."""

import pytest

from tests.app import fault_tasks, process_fault_tasks

GOOD = 10


def check_charged(world, job_ids, *, times):
    for job_id in job_ids:
        row = world.row(job_id)
        assert row.crashes + row.failures == times, (row.arguments, row.crashes, row.failures)


def test_deadly_ones_are_done_by_another_process(world_on):
    world = world_on("plain")
    deadly = [world.enqueue(process_fault_tasks.harm, how) for how in process_fault_tasks.DEADLY]
    good = world.enqueue_many(fault_tasks.write, GOOD)
    worker = world.start()
    world.assert_all_right()
    check_charged(world, deadly, times=1)
    check_charged(world, good, times=0)
    assert worker.poll() is None


def test_one_that_kills_the_fork_server_takes_all_with_it_but_the_worker(world_on):
    world = world_on("plain")
    worker = world.start()
    held = world.enqueue(fault_tasks.hold)
    world.wait_said("start", held)
    harm = world.enqueue(process_fault_tasks.harm, "kills the fork server")
    world.wait_said("start", held, times=2)
    world.enqueue_many(fault_tasks.write, GOOD)
    world.assert_all_right()
    check_charged(world, [harm, held], times=1)
    assert worker.poll() is None


def test_rude_ones_keep_nobody_from_going_on(world_on):
    world = world_on("plain")
    rude = [world.enqueue(process_fault_tasks.harm, how) for how in process_fault_tasks.RUDE]
    worker = world.start(concurrency=1)
    world.wait_ended()
    good = world.enqueue_many(fault_tasks.write, GOOD, 0.1)
    late = world.enqueue(process_fault_tasks.take_too_long)
    world.assert_all_right()
    check_charged(world, [*rude, *good], times=0)
    # Signals are changed back: by one of them a body is told that its time is over.
    assert (world.row(late).failures, world.row(late).crashes) == (1, 0)
    assert len({line.pid for line in world.said("start")}) == 1
    assert worker.poll() is None


@pytest.mark.parametrize("disconnect", [False, True], ids=["connected", "disconnected"])
def test_when_its_files_are_used_up_another_process_takes_over(world_on, disconnect):
    world = world_on("plain")
    worker = world.start(concurrency=1)
    # Django opens some files as it needs them.
    world.enqueue(fault_tasks.write)
    world.wait_ended()
    job_id = world.enqueue(process_fault_tasks.use_up_files, disconnect)
    world.wait_ended()
    good = world.enqueue_many(fault_tasks.write, GOOD)
    world.assert_all_right()
    check_charged(world, [job_id], times=int(disconnect))
    check_charged(world, good, times=0)
    assert worker.poll() is None


def test_a_thread_that_it_leaves_behind_keeps_no_executor_from_being_replaced(world_on):
    world = world_on("plain")
    job_id = world.enqueue(process_fault_tasks.leave_a_thread)
    worker = world.start("--max-jobs", "1", concurrency=1)
    world.wait_said("start", job_id)
    world.enqueue(fault_tasks.write)
    world.wait_ended(seconds=20)
    world.assert_all_right()
    assert worker.poll() is None
