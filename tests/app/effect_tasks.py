"""Tasks that show how a worker treats its executors: when it stops them, replaces them, and lets them be."""

from __future__ import annotations

import contextlib
import os
import sys
import time

from django.db import transaction
from django.tasks import task

from jobqueue import current_job
from jobqueue.errors import LeaseLost, TimeLimitExceeded
from tests.app.models import Entry
from tests.app.record import note, wait_at_gate

# Seconds: longer than any test.
FOREVER = 120.0
_kept: list[bytearray] = []


@task
def pid() -> int:
    """Say which process this is."""
    return os.getpid()


@task
def grow(megabytes: int) -> int:
    """Take memory and keep it, and say which process this is."""
    _kept.append(bytearray(os.urandom(1) * (megabytes << 20)))
    return os.getpid()


@task
def line(file: str, text: str) -> None:
    """Note that it ran."""
    note(file, text)


@task
def leave() -> None:
    """Try to end the process."""
    sys.exit(3)


@task(timeout=0.5, max_attempts=1)
def listens(file: str) -> None:
    """Write, and take too long; stop when told."""
    Entry.objects.create(note="listens")
    note(file, "start")
    try:
        time.sleep(FOREVER)
    except TimeLimitExceeded:
        note(file, "told")
        raise


@task(timeout=0.5, max_attempts=1)
def does_not_listen(file: str) -> None:
    """Write, and take too long; swallow whatever comes."""
    Entry.objects.create(note="does not listen")
    note(file, "start")
    over = time.monotonic() + FOREVER
    while time.monotonic() < over:
        with contextlib.suppress(Exception):
            time.sleep(FOREVER)
        note(file, "swallowed")


@task
def until_cancelled(file: str, writes: bool, stubborn: bool) -> None:
    """Write if asked to, and wait to be told that the job is no longer ours."""
    if writes:
        Entry.objects.create(note="until cancelled")
    note(file, "start")
    while True:
        try:
            wait_at_gate(file, FOREVER)
        except LeaseLost:
            note(file, "told")
            if not stubborn:
                raise
        else:
            break
    Entry.objects.create(note="late")


@task
def hook(file: str, seconds: float) -> None:
    """Leave something to be done after the COMMIT that takes its time."""

    def later() -> None:
        note(file, "hook")
        time.sleep(seconds)
        note(file, "done")

    transaction.on_commit(later)
    Entry.objects.create(note="hook")


@task
def report(file: str) -> None:
    """Say how far it is, and wait."""
    current_job().progress(3, 10, "rows read")
    note(file, "start")
    wait_at_gate(file, FOREVER)
