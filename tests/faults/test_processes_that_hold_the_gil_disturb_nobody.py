"""Native code keeps the interpreter of one executor for many leases, while others work on."""

from tests.app import fault_tasks, process_fault_tasks

LEASE = 2.0


def test_it_runs_once_while_others_are_done(world):
    for worker in (world.start("--name", "one"), world.start("--name", "two", concurrency=1)):
        worker.wait_started()
    held = world.enqueue(process_fault_tasks.hold_the_gil, 4 * LEASE)
    began = world.wait_said("start", held)
    others = world.enqueue_many(fault_tasks.write, 10)
    world.wait_ended(others)
    assert not world.said("awake")
    world.assert_all_right()
    (ended,) = world.said("awake", held)
    assert ended.at - began.at >= 4 * LEASE
    assert len(world.said("start", held)) == 1
    assert {world.row(job_id).crashes for job_id in world.enqueued} == {0}
