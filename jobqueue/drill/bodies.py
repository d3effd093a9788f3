"""The faults of bodies, one function each: what users' code may do to its own process or transaction."""

from __future__ import annotations

from . import record
from .scene import EXPECTED, Case, Scene

GOOD_ONES = 20
POISON_RUNS = 3


def held_gil(scene: Scene) -> None:
    """Native code keeps the interpreter to itself for longer than two leases, and a second worker has nothing to do."""
    scene.at_work(seconds=2.5 * scene.lease, trouble="gil")
    scene.start_worker()
    scene.await_end()


def crashed_body(scene: Scene) -> None:
    """The process of a body ends in a segmentation fault, when the body has written and nothing is committed."""
    _in_trouble(scene, "crash")


def killed_body(scene: Scene) -> None:
    """The process of a body is killed there, as by the kernel for lack of memory."""
    _in_trouble(scene, "die")


def _in_trouble(scene: Scene, trouble: str) -> None:
    scene.start_worker()
    for effects in EXPECTED:
        scene.enqueue(effects, trouble=trouble)
    scene.await_recovery(0.0, _pause_between_runs)
    scene.await_end()


def _pause_between_runs(case: Case) -> float | None:
    """Return how long it took from the last write of the first run to the beginning of the second."""
    starts = record.events("start", case.counter)
    if len(starts) < 2:
        return None
    return starts[1].at - max(e.at for e in record.events("write", case.counter) if e.pid == starts[0].pid)


def swallowed_error(scene: Scene) -> None:
    """A body writes, has the database refuse a statement, and takes no notice; the second time there is no error."""
    scene.start_worker()
    for effects in EXPECTED:
        scene.enqueue(effects, trouble="swallow")
    scene.await_end()


def poison(scene: Scene) -> None:
    """A job kills its process each time that it is run, and good jobs are run meanwhile."""
    scene.start_worker()
    bad = scene.count("poison", 0, runs=POISON_RUNS)
    good = scene.count(f"{GOOD_ONES} others", GOOD_ONES, runs=GOOD_ONES)
    scene.queue.add(bad.counter, "atomic", 0.0, trouble="poison")
    for _ in range(GOOD_ONES):
        scene.queue.add(good.counter, "atomic", 0.0)
    scene.await_end()
