"""The parts of a worker without their threads and processes: what they would say and do is looked at instead."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from multiprocessing import Pipe, get_context
from typing import Any, cast
from uuid import uuid4

from django.tasks import task_backends
from django.utils import timezone

from jobqueue.backend import JobQueueBackend
from jobqueue.conf import Options
from jobqueue.leases import Leases
from jobqueue.lifecycle import Claim
from jobqueue.worker.board import Board
from jobqueue.worker.crew import Crew, Doom, Executor
from jobqueue.worker.registration import Identity
from jobqueue.worker.seats import Seats
from jobqueue.worker.trust import Trust
from tests.app.tasks import echo

CONTEXT = get_context("spawn")
OPTIONS = Options(redis="default", lease_seconds=10)


class Dummy(Executor):
    """An executor whose process is this one: it does nothing of its own, and being killed is but a note."""

    def __init__(self, pid: int = 4711, seats: Seats | None = None) -> None:
        seats = seats or Seats()
        self.boards = [Board(CONTEXT) for _ in range(seats.total)]
        self.seats = seats
        self.outstanding = OrderedDict()
        self.doom: Doom | None = None
        self.killed = False
        self.frozen_since = None
        self.up, self.retiring, self.recalled = True, False, False
        self.alone = self.jobs_done = self.memory = 0
        self.pid = pid
        self._had = [0, 0]
        self._serials = itertools.count(1)
        self._sending = CONTEXT.Lock()
        self.pipe, self._theirs = Pipe()

    @property
    def board(self) -> Board:
        """What its first seat does."""
        return self.boards[0]

    def kill(self, doom: Doom | None = None) -> None:
        """Note that it was killed, and why first."""
        self.killed = True
        self.doom = self.doom or doom

    def heard(self) -> list[Any]:
        """Return what was sent to the process since the last time."""
        messages = []
        while self._theirs.poll():
            messages.append(self._theirs.recv())
        return messages

    def begin(self, claim: Claim, *, seconds: float = 0.0, seat: int = 0) -> int:
        """Have been running a job for so long."""
        (serial,) = self.hand([claim])
        self.heard()
        self.run(serial, seconds=seconds, seat=seat)
        return serial

    def run(self, serial: int, *, seconds: float = 0.0, seat: int = 0) -> None:
        """Have been running one of the jobs that it has for so long."""
        self.boards[seat].begin(serial)
        self.boards[seat]._cells[1] = time.monotonic() - seconds


class DummyCrew(Crew):
    """A crew of those."""

    def __init__(self, *executors: Dummy) -> None:
        seats = executors[0].seats if executors else None
        super().__init__(len(executors), trust=trust(), backend="default", worker_id="w-1", seats=seats)
        self._executors = list(executors)


def trust(seconds: float = 60) -> Trust:
    """Return trust that lasts for so long; less than none: it has been over for that long."""
    trust = Trust(CONTEXT, lease_seconds=0, margin_seconds=0)
    trust._until.value = time.monotonic() + seconds
    return trust


def claim_of(task: Any = echo, *, attempt: int = 1, crashes: int = 0, failures: int = 0) -> Claim:
    """Return a claim of which no database knows."""
    now = timezone.now()
    return Claim(
        uuid4(),
        attempt,
        uuid4(),
        task.module_path,
        '{"args": [], "kwargs": {}}',
        failures,
        crashes,
        "default",
        0,
        (now, now, now),
    )


def identity(**changes: Any) -> Identity:
    """Return who the worker is."""
    values: dict[str, Any] = {
        "id": "w-1",
        "name": "w",
        "hostname": "here",
        "pid": 1,
        "backend": "default",
        "queues": ["default"],
        "concurrency": 1,
        "seats": 1,
        "lease_seconds": 10.0,
    }
    return Identity(**{**values, **changes})


def leases() -> Leases:
    """Return the leases of the suite's backend, with none held."""
    found = cast(JobQueueBackend, task_backends["default"]).leases()
    assert found is not None
    found.forget_all()
    return found
