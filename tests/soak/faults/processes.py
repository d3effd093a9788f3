"""Faults of processes: they are killed, they freeze and thaw, they are told to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable

from tests.processes import WorkerProcess

from ..crew import Slot
from ..kinds import kind_of
from .fault import Fault, Scene, Strike

_PATIENCE = 10.0
_SOON, _LOOK_SECONDS = 5.0, 0.1


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _executor(scene: Scene, strike: Strike) -> int | None:
    executors = scene.slot(strike.victim).executors()
    return executors[int(strike.force * len(executors))] if executors else None


def executor_killed(scene: Scene, strike: Strike) -> bool:
    """One process that runs jobs is killed."""
    if (pid := _executor(scene, strike)) is None:
        return False
    _signal(pid, signal.SIGKILL)
    return True


def executors_killed(scene: Scene, strike: Strike) -> bool:
    """All processes of all workers that run jobs are killed at once."""
    pids = [pid for slot in scene.crew.slots for pid in slot.executors()]
    for pid in pids:
        _signal(pid, signal.SIGKILL)
    return bool(pids)


def fork_server_killed(scene: Scene, strike: Strike) -> bool:
    """The process whose children the executors are is killed, and they die with it."""
    if (pid := scene.slot(strike.victim).fork_server()) is None:
        return False
    _signal(pid, signal.SIGKILL)
    return True


def worker_killed(scene: Scene, strike: Strike) -> None:
    """The worker's own process is killed; its children must die with it."""
    scene.slot(strike.victim).worker.kill()


def group_killed(scene: Scene, strike: Strike) -> None:
    """The worker and all its children are killed at once."""
    scene.slot(strike.victim).worker.signal_group(signal.SIGKILL)


def executor_frozen(scene: Scene, strike: Strike) -> bool:
    """One process that runs jobs is stopped for longer than its lease."""
    if (pid := _executor(scene, strike)) is None:
        return False
    _signal(pid, signal.SIGSTOP)
    scene.let_pass(scene.beyond_lease(strike.force))
    _signal(pid, signal.SIGCONT)
    return True


def worker_frozen(scene: Scene, strike: Strike) -> bool:
    """The worker's own process is stopped for longer than its lease; its children are not."""
    return _frozen(scene, strike, Slot.freeze_alone)


def group_frozen(scene: Scene, strike: Strike) -> bool:
    """The worker and all its children are stopped for longer than the lease, in the middle of whatever they do."""
    return _frozen(scene, strike, Slot.freeze)


def _frozen(scene: Scene, strike: Strike, freeze: Callable[[Slot], None]) -> bool:
    slot = scene.slot(strike.victim)
    with slot.busy:
        if not slot.alive():
            return False
        freeze(slot)
        scene.let_pass(scene.beyond_lease(strike.force))
        slot.thaw()
    return True


def group_frozen_at_work(scene: Scene, strike: Strike) -> bool:
    """The same, when it is sure to be in the middle of a long job; its executors wake up before the worker does."""
    slot = _at_work(scene, strike, "slow", "slowsteps")
    if slot is None:
        return False
    with slot.busy:
        executors = slot.executors()
        slot.freeze()
        scene.let_pass(scene.beyond_lease(strike.force))
        for pid in executors:
            _signal(pid, signal.SIGCONT)
        # Awake, the worker would stop them before they could write.
        scene.let_pass(scene.lease)
        slot.thaw()
    return True


def executors_killed_at(*kinds: str) -> Callable[[Scene, Strike], bool]:
    """Return the fault that a worker's processes that run jobs are killed, when one is sure to run such a job."""
    return lambda scene, strike: _executors_killed_at(scene, strike, *kinds)


def _executors_killed_at(scene: Scene, strike: Strike, *kinds: str) -> bool:
    slot = _at_work(scene, strike, *kinds)
    if slot is None:
        return False
    for pid in slot.executors():
        _signal(pid, signal.SIGKILL)
    return True


def told_to_stop_at_work(scene: Scene, strike: Strike) -> bool:
    """The worker is told to stop, when it is sure to be in a job that leaves checkpoints."""
    slot = _at_work(scene, strike, "resume")
    if slot is None:
        return False
    slot.worker.terminate()
    _wait_for_end(slot.worker)
    return True


def _at_work(scene: Scene, strike: Strike, *kinds: str) -> Slot | None:
    """Return a worker that runs a job of such a kind, as of a look that is a moment old; None if there is none soon."""
    over = time.monotonic() + _SOON
    while time.monotonic() < over:
        running = (seen for seen in scene.watch.open_ends() if seen.status == "RUNNING")
        names = {seen.worker for seen in running if kind_of(seen.number) in kinds}
        pids = {scene.watch.pids.get(name) for name in names}
        if slots := [slot for slot in scene.crew.slots if slot.pid in pids and slot.alive()]:
            return slots[int(strike.victim * len(slots))]
        scene.let_pass(_LOOK_SECONDS)
    return None


def told_to_stop(scene: Scene, strike: Strike) -> None:
    """The worker is told to stop, and another one is started when it has."""
    worker = scene.slot(strike.victim).worker
    worker.terminate()
    _wait_for_end(worker)


def told_twice(scene: Scene, strike: Strike) -> None:
    """The worker is told to stop, and told again before it has."""
    worker = scene.slot(strike.victim).worker
    worker.terminate()
    scene.let_pass(0.3 * strike.force)
    worker.terminate()
    _wait_for_end(worker)


def _wait_for_end(worker: WorkerProcess) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.wait(_PATIENCE)


FAULTS = [
    Fault(name="executor killed", breaks="process", happen=executor_killed),
    Fault(name="all executors killed", breaks="process", happen=executors_killed),
    Fault(name="fork server killed", breaks="process", happen=fork_server_killed),
    Fault(name="worker killed", breaks="process", happen=worker_killed),
    Fault(name="worker and children killed", breaks="process", happen=group_killed),
    Fault(name="executor frozen", breaks="process", happen=executor_frozen),
    Fault(name="worker frozen alone", breaks="process", happen=worker_frozen),
    Fault(name="worker and children frozen", breaks="process", happen=group_frozen),
    Fault(name="frozen in a long job", breaks="process", happen=group_frozen_at_work),
    Fault(name="executors killed at a delivery", breaks="process", happen=executors_killed_at("mail", "parcel")),
    Fault(name="executors killed in a slot", breaks="process", happen=executors_killed_at("limited")),
    Fault(name="executors killed while others wait", breaks="process", happen=executors_killed_at("part")),
    Fault(name="worker told to stop at work", breaks="process", happen=told_to_stop_at_work),
    Fault(name="worker told to stop", breaks="process", happen=told_to_stop),
    Fault(name="worker told to stop twice", breaks="process", happen=told_twice),
]
