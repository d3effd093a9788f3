"""Bodies that do what they must not, and hide it, in real executors: nothing of theirs is there afterwards."""

from jobqueue import results
from jobqueue.models import Job
from tests.app.careless_tasks import swallow_an_error, write_outside_of_steps
from tests.app.models import Entry
from tests.waiting import wait_until


def ended(result):
    """Wait until the job has ended, and return its result."""
    wait_until(lambda: Job.objects.get(pk=result.id).status in ("SUCCESSFUL", "FAILED"), 20)
    return results.get(result.id)


def test_a_write_outside_of_steps_is_refused_by_the_database(start_on):
    start_on("plain")
    assert ended(write_outside_of_steps.using(backend="plain").enqueue()).status == "SUCCESSFUL"
    assert not Entry.objects.exists()


def test_a_swallowed_error_undoes_all_of_the_body(start_on):
    start_on("plain")
    result = ended(swallow_an_error.using(backend="plain").enqueue())
    assert not Entry.objects.exists()
    (error,) = result.errors
    assert (result.status, error.exception_class_path) == ("FAILED", "jobqueue.errors.BrokenTransaction")
