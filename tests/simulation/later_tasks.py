"""What jobs do that use what came later: limits, other jobs, schedules, checkpoints, deliveries, unique keys."""

from __future__ import annotations

from typing import cast

from django.tasks import task

from jobqueue import deliver, once
from jobqueue.errors import NotDelivered
from jobqueue.task import JobTask
from tests.simulation import current
from tests.simulation.tasks import running, soon, this_job, write

STAGES = 3


@task(backoff=soon, concurrency={"key": "press", "limit": 1})
def press() -> None:
    """Take a while, one at a time, and write."""
    with running():
        current.world.sleep(0.6)
        write("press")


@task(backoff=soon, rate="2/s")
def pace() -> None:
    """Write, twice a second."""
    with running():
        write("pace")


@task(backoff=soon)
def gather() -> None:
    """Write, when others have ended, and look at what they returned."""
    with running():
        current.simulation.watch.later.handed_on(this_job().fence, this_job().results)
        write("gather")


@task(backoff=soon)
def tick() -> None:
    """Write, at each tick."""
    with running():
        write("tick")


def _in_stages() -> None:
    """Write in stages, and leave a checkpoint behind each: behind the second one in its own step."""
    with running():
        later, job = current.simulation.watch.later, this_job()
        state = job.resumed
        later.resumed(job.fence, state)
        for stage in range((state or 0) + 1, STAGES + 1):
            once(f"stage {stage}", _stage, stage)
            if stage != later.WITHIN_ITS_STEP:
                job.checkpoint(stage)
            later.resumed(job.fence, job.resumed)
            current.world.sleep(0.3)


def _stage(stage: int) -> None:
    write(f"stage {stage}")
    if stage == current.simulation.watch.later.WITHIN_ITS_STEP:
        this_job().checkpoint(stage)


@task(effects="steps", backoff=soon)
def resumes() -> None:
    """Go on from the last checkpoint."""
    _in_stages()


@task(effects="unfenced", backoff=soon)
def freely() -> None:
    """Go on from the last checkpoint, free to write anywhere."""
    _in_stages()


def _letter() -> str:
    return f"letter {this_job().id}"


def _send() -> str:
    """Say that they are busy when it is asked for the first time, and do it the second."""
    later, fence = current.simulation.watch.later, this_job().fence
    if later.refused_once(fence):
        raise NotDelivered("They are busy.", after=0.1)
    later.called(fence)
    current.world.at("called")
    return _letter()


def _send_silently() -> str:
    """Do it, and never come to say so."""
    current.simulation.watch.later.called(this_job().fence)
    current.world.at("called")
    raise TimeoutError("No answer.")


def _look_up(key: str) -> str | None:
    job = this_job()
    current.simulation.watch.told_outside(job.fence, key)
    return _letter() if current.simulation.watch.later.has_called(job.id.hex) else None


@task(effects="steps", backoff=soon)
def delivers() -> None:
    """Send a letter of which nobody can be asked, and write."""
    with running():
        assert deliver("letter", _send) == _letter()
        once("sent", write, "sent")


@task(effects="steps", backoff=soon)
def asks() -> None:
    """Send a letter to somebody who gives no answer and can be asked, and write."""
    with running():
        assert deliver("letter", _send_silently, lookup=_look_up) == _letter()
        once("sent", write, "sent")


@task(backoff=soon, unique="active")
def sole() -> None:
    """Take a while, and write; no other waits or runs meanwhile."""
    with running():
        current.world.sleep(0.6)
        write("sole")


@task(backoff=soon, unique="waiting")
def pending() -> None:
    """Take a while, and write; no other waits to be begun meanwhile."""
    with running():
        current.world.sleep(0.6)
        write("pending")


# As LEAVES of tests.simulation.tasks, and the tasks.
LATER_LEAVES: dict[str, list[str]] = {
    "press": ["press"],
    "pace": ["pace"],
    "gather": ["gather"],
    "tick": ["tick"],
    "resumes": ["stage 1", "stage 2", "stage 3"],
    "freely": ["stage 1", "stage 2", "stage 3"],
    "delivers": ["sent"],
    "asks": ["sent"],
    "sole": ["sole"],
    "pending": ["pending"],
}
LATER_TASKS: dict[str, JobTask] = {name: cast(JobTask, globals()[name]) for name in LATER_LEAVES}
