"""Tasks that bring a worker to the points that a job does not pass when all goes well."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from django.tasks import task

from jobqueue import current_job, deliver, once
from tests.app.fault_tasks import UNTIL_LET_GO, leave, leaves, say, soon, wait_at_gate


@leaves("line")
@task(max_attempts=100, backoff=soon)
def raise_once() -> str:
    """Leave a line, and raise in the first attempt."""
    leave("line")
    if current_job().attempt == 1:
        raise RuntimeError("the first time")
    return str(current_job().id)


@leaves("line")
@task(max_attempts=100, backoff=soon)
def die_once() -> str:
    """Leave a line, and kill the process in the first attempt."""
    leave("line")
    if current_job().attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return str(current_job().id)


@leaves("line")
@task(max_attempts=1)
def fail_for_good() -> str:
    """Leave a line, and raise as long as the test has not let it go."""
    leave("line")
    if not Path(f"{os.environ['JOBQUEUE_TEST_RECORD']}.open").exists():
        raise RuntimeError("for good")
    return str(current_job().id)


@leaves("line")
@task
def go_on_regardless() -> str:
    """Hear of no interruption, wait at the gate, and leave a line."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    say("open")
    wait_at_gate(UNTIL_LET_GO)
    leave("line")
    return str(current_job().id)


@leaves("first", "second")
@task(effects="steps", max_attempts=100, backoff=soon)
def keep() -> str:
    """Leave a line in a step, keep a state, and leave another line."""
    once("first", leave, "first")
    current_job().checkpoint("first")
    once("second", leave, "second")
    return str(current_job().id)


@leaves("first", "second")
@task(effects="steps", max_attempts=100, backoff=soon)
def deliver_between() -> str:
    """Leave a line in a step, deliver something outside the database, and leave another."""
    once("first", leave, "first")
    deliver("between", say, "delivered", lookup=_delivered)
    once("second", leave, "second")
    return str(current_job().id)


def _delivered(key: str) -> bool | None:
    """Return whether it is on record that it was delivered: the record is the other side."""
    record = Path(os.environ["JOBQUEUE_TEST_RECORD"]).read_text()
    return True if f"delivered {key.partition(':')[0]} " in record else None


@leaves("line")
@task(effects="unfenced", max_attempts=1)
def hear_nothing() -> str:
    """Deliver something and hear nothing of it, as long as the test has not let it go; then leave a line."""
    deliver("into the void", _await_answer)
    leave("line")
    return str(current_job().id)


def _await_answer() -> None:
    if not Path(f"{os.environ['JOBQUEUE_TEST_RECORD']}.open").exists():
        raise TimeoutError
