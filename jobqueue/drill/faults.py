"""The faults, one function each: what happens to a worker that is in the middle of jobs, and what must come of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import record
from .house import forget_redis
from .plan import FAULTS as NAMES
from .scene import Case, Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault and its promise.

    runs: how often each job must be started. renewals, refused: how many of these there must be at least.
    within: from the lease to the seconds after which a job must be safe again; None when nothing is to recover.
    """

    title: str
    happen: Callable[[Scene], None]
    runs: int
    renewals: int = 0
    refused: int = 0
    within: Callable[[float], float] | None = None
    needs_redis: bool = False


def slow_job(scene: Scene) -> None:
    """The work takes three times as long as the lease, and a second worker has nothing else to do."""
    scene.at_work(seconds=3 * scene.lease)
    scene.start_worker()
    scene.await_end()


def killed_executor(scene: Scene) -> None:
    """The processes that run the jobs are killed; their worker lives."""
    scene.at_work()
    scene.start_worker()
    struck = time.monotonic()
    scene.kill(scene.pids())
    scene.await_recovery(struck, second_start)
    scene.enough()
    scene.await_end()


def killed_worker(scene: Scene) -> None:
    """The worker itself is killed. Its children must die with it, and another worker must notice."""
    worker = scene.at_work()
    scene.start_worker()
    struck = time.monotonic()
    worker.kill()
    scene.give_up_on(scene.pids())
    scene.await_recovery(struck, second_start)
    scene.enough()
    scene.await_end()


def frozen_worker(scene: Scene) -> None:
    """The worker and its children are stopped until another has done their jobs; then they wake up and write."""
    worker = scene.at_work()
    scene.start_worker()
    struck = time.monotonic()
    worker.freeze()
    scene.give_up_on(scene.pids())
    scene.await_recovery(struck, second_start)
    scene.enough()
    scene.await_end()
    # The worker itself stays frozen a moment longer: awake, it would stop its children before they could write.
    for pid in scene.pids():
        os.kill(pid, signal.SIGCONT)
    scene.await_late_writes()
    worker.thaw()


def emptied_redis(scene: Scene) -> None:
    """Redis forgets all that it knows of the queue, while two jobs are running and one is waiting."""
    scene.at_work(concurrency=2)
    running = list(scene.cases)
    scene.enqueue("atomic", seconds=0, label="waiting")
    struck = time.monotonic()
    forget_redis()
    scene.await_recovery(
        struck, lambda case: time.monotonic() if scene.queue.has_lease(case.counter) else None, running
    )
    scene.start_worker()
    # For as long as it takes a worker to believe that nobody runs the jobs, were it to go by Redis alone.
    scene.let_pass(1.5 * scene.lease)
    scene.enough()
    scene.await_end()


def second_start(case: Case) -> float | None:
    """Return when a job began for the second time."""
    starts = record.events("start", case.counter)
    return starts[1].at if len(starts) > 1 else None


FAULTS = dict(
    zip(
        NAMES,
        (
            Fault(title="a job outlives its lease", happen=slow_job, runs=1, renewals=3),
            Fault(title="executor killed (-9)", happen=killed_executor, runs=2, within=lambda lease: 1),
            Fault(title="worker killed (-9)", happen=killed_worker, runs=2, within=lambda lease: lease + 3),
            Fault(title="worker frozen", happen=frozen_worker, runs=2, refused=1, within=lambda lease: lease + 3),
            Fault(title="Redis emptied", happen=emptied_redis, runs=1, within=lambda lease: lease, needs_redis=True),
        ),
        strict=True,
    )
)
