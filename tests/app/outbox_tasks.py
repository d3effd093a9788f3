"""Tasks with effects outside the database, and long ones that resume: what they do is noted in a file of their own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from django.tasks import task

from jobqueue import HandBack, current_job, deliver, once
from jobqueue.models import LedgerEntry
from tests.app.record import note, wait_at_gate
from tests.app.slow_tasks import UNTIL_LET_GO, add_one

ROUNDS = 4


@task(effects="steps")
def resume(counter_id: int, file: str, held: int = 0) -> list[int]:
    """Add 1 in each of some rounds, and hold at the gate in one of them until the worker is to stop."""
    job = current_job()
    first = job.resumed or 0
    note(file, f"start-{first}")
    for number in range(first, ROUNDS):
        once(f"round {number}", add_one, counter_id, file)
        if number == held:
            note(file, "held")
            while not job.stopping and not Path(f"{file}.open").exists():
                wait_at_gate(file, 0.05)
        if job.stopping:
            job.checkpoint(number + 1)
            raise HandBack
    return [first, ROUNDS]


@task(effects="steps")
def dies_at_a_checkpoint(counter_id: int, file: str, when: str) -> int:
    """Leave a checkpoint, and die once around its COMMIT: before it, in a step; or behind it."""
    job = current_job()
    note(file, f"start-{job.resumed or 0}")
    job.checkpoint((job.resumed or 0) + 1)
    if not Path(f"{file}.died").exists():
        Path(f"{file}.died").touch()
        if when == "before":
            once("step", _keep_and_die, 7)
        os.kill(os.getpid(), signal.SIGKILL)
    once("end", add_one, counter_id, file)
    return int(job.resumed)


def _keep_and_die(state: int) -> None:
    current_job().checkpoint(state)
    assert LedgerEntry.objects.get(scope=f"checkpoint:{current_job().id}").value == state
    os.kill(os.getpid(), signal.SIGKILL)


@task(effects="steps")
def keep_late(counter_id: int, file: str) -> None:
    """Wait, and leave a checkpoint."""
    note(file, "start")
    wait_at_gate(file, UNTIL_LET_GO)
    note(file, "late")
    # As one that froze behind the check.
    current_job().ensure_held = lambda: None  # type: ignore[method-assign]
    current_job().checkpoint(os.getpid())
    once("end", add_one, counter_id, file)


@task(effects="steps")
def charge(counter_id: int, file: str, dies: str, asks: bool) -> str:
    """Deliver something outside; the first time, die before, in or behind that, or wait at the gate in it."""
    note(file, "start")
    receipt = deliver("charge", _charge, file, dies, lookup=(lambda key: _find(file, key)) if asks else None)
    once("end", add_one, counter_id, file)
    return receipt


def _charge(file: str, dies: str) -> str:
    first = not Path(f"{file}.died").exists()
    Path(f"{file}.died").touch()
    if first and dies == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    note(file, "charge")
    Path(f"{file}.charged").write_text(current_job().idempotency_key("charge"))
    if first and dies == "behind":
        os.kill(os.getpid(), signal.SIGKILL)
    if first and dies == "never":
        wait_at_gate(file, UNTIL_LET_GO)
        note(file, "late")
    return "ch_1"


def _find(file: str, key: str) -> str | None:
    note(file, "lookup")
    charged = Path(f"{file}.charged")
    return "ch_1" if charged.exists() and charged.read_text() == key else None
