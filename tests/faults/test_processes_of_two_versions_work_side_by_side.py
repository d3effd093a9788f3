"""A rolling deploy: what an old worker does not know waits for a new one; what it knows otherwise fails and says so."""

from jobqueue import results
from tests.app import changing_tasks, fault_tasks

OLD = {"JOBQUEUE_TEST_OLD_CODE": "1"}


def test_a_task_that_is_not_known_waits_for_a_worker_that_knows_it(world):
    new = world.enqueue_many(changing_tasks.new, 3)
    old = world.start("--name", "old", env=OLD)
    # Those behind it do not wait.
    world.enqueue_many(fault_tasks.write, 5)
    world.wait_ended([job_id for job_id in world.enqueued if job_id not in new])
    for job_id in new:
        row = world.row(job_id)
        assert (row.status, row.attempt, row.failures, row.crashes) == ("READY", 0, 0, 0)

    world.start("--name", "new")
    world.assert_all_right()
    for job_id in new:
        row = world.row(job_id)
        assert (row.attempt, row.failures) == (1, 0)
        assert row.worker_id.startswith("new-")
    assert old.poll() is None


def test_a_task_that_takes_other_arguments_fails_and_says_which(world_on):
    world = world_on("plain")
    job_id = world.enqueue(changing_tasks.changed, "chair", "red")
    world.start(env=OLD)
    world.assert_all_right(failed=[job_id])
    (error,) = results.get(str(job_id)).errors
    assert error.exception_class_path == "jobqueue.errors.ArgumentsChanged"
    assert "changed() takes 1 positional argument but 2 were given" in error.traceback
