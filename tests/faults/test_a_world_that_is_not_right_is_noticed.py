"""The look at the end of every test here: each thing that may be wrong makes it fail."""

import pytest
from django.utils import timezone

from jobqueue.models import Attempt, Job
from tests.app import fault_tasks
from tests.app.models import Entry


@pytest.fixture
def world(world_on):
    """Give a world in which two jobs were done and one has failed, as it should be."""
    world = world_on("plain")
    one = world.enqueue(fault_tasks.write)
    two = world.enqueue(fault_tasks.write_in_steps)
    failed = world.enqueue(fault_tasks.write)
    for job_id, notes in ((one, ["line"]), (two, ["first", "second"])):
        change(job_id, status="SUCCESSFUL", outcome="ok", result=str(job_id), finished_at=timezone.now())
        for note in notes:
            Entry.objects.create(job=str(job_id), note=note)
        hear(world, "SUCCESSFUL", job_id)
    change(failed, status="FAILED", outcome="crashed", finished_at=timezone.now())
    world.failed, world.two = failed, two
    record_error(failed)
    return world


def record_error(job_id):
    Attempt.objects.create(
        job_id=job_id,
        number=1,
        token=job_id,
        worker_id="w",
        outcome="crashed",
        exception_class="jobqueue.errors.JobCrashed",
    )


def change(job_id, **columns):
    assert Job.objects.filter(pk=job_id).update(**columns) == 1


def hear(world, status, job_id):
    with world.record.open("a") as record:
        record.write(f"heard-{status} {job_id} 1 1.0\n")


def test_a_world_that_is_right_passes(world):
    world.assert_all_right(failed=[world.failed], seconds=0)


WRONG = {
    "an effect twice": lambda w: Entry.objects.create(job=str(w.two), note="second"),
    "an effect missing": lambda w: Entry.objects.filter(job=str(w.two), note="first").delete(),
    "an effect of a failed job": lambda w: Entry.objects.create(job=str(w.failed), note="line"),
    "an effect of nobody": lambda w: Entry.objects.create(job="nobody", note="line"),
    "a job lost": lambda w: Job.objects.filter(pk=w.two).delete(),
    "a job running": lambda w: change(w.two, status="RUNNING"),
    "a job waiting": lambda w: change(w.two, status="READY"),
    "a job failed": lambda w: change(w.two, status="FAILED"),
    "a job not failed": lambda w: change(w.failed, status="SUCCESSFUL"),
    "another result": lambda w: change(w.two, result="other"),
    "an end told twice": lambda w: hear(w, "SUCCESSFUL", w.two),
    "another end told": lambda w: hear(w, "SUCCESSFUL", w.failed),
    "an end told of nobody": lambda w: hear(w, "FAILED", "00000000-0000-0000-0000-000000000000"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_one_that_is_not_does_not(world, wrong):
    WRONG[wrong](world)
    with pytest.raises(AssertionError):
        world.assert_all_right(failed=[world.failed], seconds=0)
