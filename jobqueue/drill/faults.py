"""The faults that befall workers, one function each; and all faults that there are, with their promises."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from . import bodies, record
from .fault import Fault
from .house import forget_redis
from .plan import FAULTS as NAMES
from .processes import Worker
from .scene import EXPECTED, Case, Scene


def slow_job(scene: Scene) -> None:
    """The work takes three times as long as the lease, and a second worker has nothing else to do."""
    scene.at_work(seconds=3 * scene.lease)
    scene.start_worker()
    scene.await_end()


def killed_executor(scene: Scene) -> None:
    """The processes that run the jobs are killed; their worker lives."""
    _strike(scene, lambda _: scene.signal(scene.pids(), signal.SIGKILL))


def killed_worker(scene: Scene) -> None:
    """The worker itself is killed. Its children must die with it, and another worker must notice."""
    _strike(scene, Worker.kill)


def frozen_worker(scene: Scene) -> None:
    """The worker and its children are stopped until another has done their jobs; then they wake up and write."""
    worker = _strike(scene, Worker.freeze)
    # The worker itself stays frozen a moment longer: awake, it would stop its children before they could write.
    scene.signal(scene.pids(), signal.SIGCONT)
    scene.await_late_runs()
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


def frozen_executor(scene: Scene) -> None:
    """The processes that run the jobs are stopped and stay so; their worker lives, and has to get rid of them."""
    _strike(scene, lambda _: scene.signal(scene.pids(), signal.SIGSTOP))


def stopped_worker(scene: Scene) -> None:
    """The worker is told to stop (SIGTERM), and its jobs take longer than it may wait for them."""
    _strike(scene, Worker.stop, "--grace", "1")


def same_key(scene: Scene) -> None:
    """Several at once enqueue the same call under one key, as users do who press a button again and again."""
    scene.start_worker()
    for effects, expected in EXPECTED.items():
        case = scene.count(effects, expected, runs=1)

        def enqueue(_: int, case: Case = case, effects: str = effects) -> None:
            try:
                scene.queue.add(case.counter, effects, 0.0, key=case.counter)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(5) as callers:
            list(callers.map(enqueue, range(20)))
    scene.await_end()


def _strike(scene: Scene, blow: Callable[[Worker], object], *flags: str) -> Worker:
    """Strike at a worker in the middle of its jobs, and wait until another process has done all of them."""
    worker = scene.at_work(*flags)
    scene.start_worker()
    struck = time.monotonic()
    blow(worker)
    scene.give_up_on(scene.pids())
    scene.await_recovery(struck, second_start)
    scene.enough()
    scene.await_end()
    return worker


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
            Fault(title="worker frozen", happen=frozen_worker, runs=2, late=True, within=lambda lease: lease + 3),
            Fault(title="Redis emptied", happen=emptied_redis, runs=1, within=lambda lease: lease, needs_redis=True),
            Fault(title="the GIL is held", happen=bodies.held_gil, runs=1, renewals=3),
            Fault(title="executor frozen", happen=frozen_executor, runs=2, within=lambda lease: lease + 3),
            Fault(title="segmentation fault", happen=bodies.crashed_body, runs=2, within=lambda lease: 2),
            Fault(title="killed before its COMMIT", happen=bodies.killed_body, runs=2, within=lambda lease: 2),
            Fault(title="an error is swallowed", happen=bodies.swallowed_error, runs=2),
            Fault(title="worker told to stop", happen=stopped_worker, runs=2, within=lambda lease: 4),
            Fault(title="one key, 20 times", happen=same_key),
            Fault(title="poison among others", happen=bodies.poison),
        ),
        strict=True,
    )
)
