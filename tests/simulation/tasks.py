"""What jobs do in a simulation. Whatever one writes says of which job it is, which step, and under which token."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any, cast

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.tasks import task

from jobqueue import once
from jobqueue.current import current_job
from jobqueue.task import JobTask
from jobqueue.worker.executor.job import RunningJob
from tests.app.models import Counter, Entry
from tests.simulation import current

SLOW = 3.5
COUNTER = "bumped"


def soon(*_: Any) -> float:
    return 0.1


def this_job() -> RunningJob:
    return cast(RunningJob, current_job())


@contextmanager
def running() -> Generator[None]:
    run = current.simulation.watch.begins(this_job().fence)
    try:
        current.world.at("body")
        yield
    finally:
        run.over = True


def write(step: str) -> None:
    """Leave a trace in the database."""
    fence = this_job().fence
    Entry.objects.create(job=fence.job_id.hex, note=f"{step}:{fence.token.hex}")


def _hooked() -> None:
    fence = this_job().fence
    transaction.on_commit(lambda: current.simulation.watch.hook(fence))


@task(backoff=soon)
def bump() -> None:
    """Raise a counter."""
    with running():
        write("bump")
        Counter.objects.filter(name=COUNTER).update(value=F("value") + 1)
        _hooked()


@task(backoff=soon)
def slow() -> None:
    """Take longer than a lease and a rescue together, then write."""
    with running():
        current.world.sleep(SLOW)
        write("slow")


@task(effects="steps", backoff=soon)
def steps(seconds: float) -> None:
    """Write in two steps, and tell somebody outside in between."""
    with running():
        once("one", write, "one")
        current.world.sleep(seconds)
        current.simulation.watch.told_outside(this_job().fence, this_job().idempotency_key("mail"))
        once("two", write, "two")


@task(backoff=soon)
def value() -> str:
    """Ask the database nothing."""
    with running():
        return str(this_job().id)


@task(backoff=soon)
def fails_once() -> None:
    """Write, and fail the first time; the second time, take as long as a lease."""
    with running():
        if this_job().attempt > 1:
            current.world.sleep(2.0)
        write("twice")
        if this_job().attempt == 1:
            raise ValueError("The first time.")


@task(backoff=soon)
def swallows() -> None:
    """Write, be undone by a deadlock the first time, take no notice, and write more."""
    with running():
        write("first")
        with suppress(DatabaseError):
            actor = current.world.here
            assert actor is not None
            actor.fate = "deadlock" if this_job().attempt == 1 else None
            with connection.cursor() as cursor:
                # The ORM would mark the block by itself.
                cursor.execute("UPDATE app_counter SET value = 0 WHERE name = 'nobody'")
        write("second")


@task()
def poison() -> None:
    """Write, and take the process down."""
    with running():
        write("poison")
        actor = current.world.here
        assert actor is not None
        actor.process.die(-11)
        current.world.at("segfault")


@task(effects="steps", max_attempts=1)
def stray() -> None:
    """Write outside of any step."""
    with running():
        write("stray")


@task(backoff=soon)
def hog() -> None:
    """Keep the interpreter to itself for even longer, and write."""
    with running():
        actor = current.world.here
        assert actor is not None
        parent = actor.process.parent
        if parent is not None and not parent.alive:
            actor.process.die(-9)  # By the kernel: who starves does not read that nobody is there any more.
        actor.process.hold(2 * SLOW, stopped=False)
        current.world.at("native code")
        write("hog")


@task(timeout=1.0, max_attempts=1)
def late() -> None:
    """Write, and take longer than allowed."""
    with running():
        write("late")
        current.world.sleep(SLOW)


# What a job of each kind leaves when it succeeds; None when it must not.
LEAVES: dict[str, list[str] | None] = {
    "bump": ["bump"],
    "slow": ["slow"],
    "steps": ["one", "two"],
    "value": [],
    "fails_once": ["twice"],
    "swallows": ["first", "second"],
    "poison": None,
    "stray": None,
    "hog": ["hog"],
    "late": None,
}
TASKS: dict[str, JobTask] = {name: cast(JobTask, globals()[name]) for name in LEAVES}
