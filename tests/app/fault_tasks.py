"""Tasks for tests that break things: each leaves lines in the database to be counted afterwards, and says what it does.

What they say goes into the file that JOBQUEUE_TEST_RECORD names, outside of any transaction; so does what receivers of
Django's signals hear, if JOBQUEUE_TEST_LISTENS is set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.tasks import TaskResult, task
from django.tasks.signals import task_finished

from jobqueue import current_job, once
from tests.app.models import Entry

# Seconds: longer than any test.
UNTIL_LET_GO = 120.0
# What each task leaves when its effects happen once: the notes of its lines.
LEAVES: dict[str, tuple[str, ...]] = {}


def leaves[T](*notes: str) -> Callable[[T], T]:
    """Declare what a task leaves behind."""

    def declare(declared: T) -> T:
        LEAVES[declared.module_path] = notes  # type: ignore[attr-defined]
        return declared

    return declare


def soon(_error: BaseException, _result: TaskResult) -> float:
    """Let the next attempt begin in a moment: a fault may well last longer than the tries that a job usually has."""
    return 0.1


def say(what: str, job_id: Any = None) -> None:
    """Append a line to the record: a word, the job, the process, the time."""
    if file := os.environ.get("JOBQUEUE_TEST_RECORD"):
        # One short line is one write, which no other process can come in between of.
        with Path(file).open("ab", buffering=0) as record:
            record.write(f"{what} {job_id or current_job().id} {os.getpid()} {time.time()}\n".encode())


def leave(note: str) -> None:
    """Leave a line in the database."""
    Entry.objects.create(job=str(current_job().id), note=note)


def wait_at_gate(seconds: float, job_id: Any = None) -> None:
    """Wait until the test lets this job go, or so many seconds."""
    gates = [Path(f"{os.environ['JOBQUEUE_TEST_RECORD']}.open{who}") for who in ("", f"-{job_id or current_job().id}")]
    over = time.monotonic() + seconds
    while time.monotonic() < over and not any(gate.exists() for gate in gates):
        time.sleep(0.02)


def heard(sender: type, task_result: TaskResult, **_: Any) -> None:
    """Say that a job was reported to be over."""
    say(f"heard-{task_result.status}", task_result.id)


if "JOBQUEUE_TEST_LISTENS" in os.environ:
    task_finished.connect(heard, weak=False, dispatch_uid="tests.fault_tasks.heard")


@leaves("line")
@task(max_attempts=100, backoff=soon)
def write(seconds: float = 0.0) -> str:
    """Take so long, and leave a line in the transaction of the body."""
    say("start")
    time.sleep(seconds)
    leave("line")
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=soon, concurrency={"key": "faults", "limit": 2}, rate="200/s")
def write_within_limits() -> str:
    """Leave a line, when it is its turn."""
    say("start")
    leave("line")
    return str(current_job().id)


@leaves("first", "second")
@task(effects="steps", max_attempts=100, backoff=soon)
def write_in_steps(seconds: float = 0.0) -> str:
    """Leave a line in a step, take so long, and leave another."""
    say("start")
    once("first", leave, "first")
    time.sleep(seconds)
    once("second", leave, "second")
    return str(current_job().id)


@leaves()
@task(max_attempts=100, backoff=soon)
def value(seconds: float = 0.0) -> str:
    """Take so long, and ask the database nothing."""
    say("start")
    time.sleep(seconds)
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=soon)
def hold(seconds: float = UNTIL_LET_GO) -> str:
    """Wait at the gate, and leave a line."""
    say("start")
    wait_at_gate(seconds)
    leave("line")
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=soon)
def hold_open(seconds: float = UNTIL_LET_GO) -> str:
    """Leave a line, and wait at the gate in the open transaction."""
    say("start")
    leave("line")
    say("open")
    wait_at_gate(seconds)
    return str(current_job().id)


@leaves("first", "second")
@task(effects="steps", max_attempts=100, backoff=soon)
def hold_in_steps(seconds: float = UNTIL_LET_GO) -> str:
    """Leave a line in a step, wait at the gate outside of any transaction, and leave another."""
    say("start")
    once("first", leave, "first")
    wait_at_gate(seconds)
    once("second", leave, "second")
    return str(current_job().id)


@leaves("first", "second")
@task(effects="steps", max_attempts=100, backoff=soon)
def hold_open_in_a_step(seconds: float = UNTIL_LET_GO) -> str:
    """Leave a line in a step, and another in a step that waits at the gate in its open transaction."""

    def second() -> None:
        leave("second")
        say("open")
        wait_at_gate(seconds)

    say("start")
    once("first", leave, "first")
    once("second", second)
    return str(current_job().id)
