"""Faults at named points of the code: a process dies, freezes, raises or waits between two durable steps."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from jobqueue.points import POINTS

from .fault import Fault, Scene, Strike

# Where workers seldom come, or never: to the points of operators, of the observer that prunes, and of rare occasions.
_ELSEWHERE = (
    "cancel.", "retry.", "prune.", "forget.", "enqueue.between", "enqueue.before-ledger", "refused.", "rescue.",
    "release.", "sign-off.", "settle.before-close", "claim.before-", "settle.before-commit", "renewals.",
)  # fmt: skip
WORKERS_COME_TO = [name for name in POINTS if not name.startswith(_ELSEWHERE)]
_PATIENCE = 8.0


def killed(scene: Scene, strike: Strike) -> bool:
    """A process dies at a point."""
    return _have(scene, strike, "kill") is not None


def raised(scene: Scene, strike: Strike) -> bool:
    """An error is raised at a point, as by a bug."""
    return _have(scene, strike, "raise") is not None


def delayed(scene: Scene, strike: Strike) -> bool:
    """A process takes longer than a lease from one step to the next."""
    return _have(scene, strike, f"delay:{scene.beyond_lease(strike.force):.2f}") is not None


def frozen(scene: Scene, strike: Strike) -> bool:
    """A process freezes at a point for longer than its lease, and thaws."""
    pid = _have(scene, strike, "freeze")
    if pid is None:
        return False
    slot = next((slot for slot in scene.crew.slots if slot.pid == pid), None)
    if slot is not None:
        slot.frozen = True
    scene.let_pass(scene.beyond_lease(strike.force))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    if slot is not None:
        slot.frozen = False
    return True


def _have(scene: Scene, strike: Strike, deed: str) -> int | None:
    """Replace a worker by one to which that happens; return the process that it happened to, None if none came by."""
    point = WORKERS_COME_TO[int(strike.force * len(WORKERS_COME_TO))]
    slot = scene.slot(strike.victim)
    marker = Path(scene.plan.directory) / f"point-{time.monotonic_ns()}"
    with slot.busy:
        slot.point = f"{point}={deed},marker={marker}"
        slot.worker.terminate()
        over = time.monotonic() + _PATIENCE
        while not (marker.exists() and marker.read_text().strip()):
            if time.monotonic() > over:
                slot.point = ""
                return None
            time.sleep(0.02)
    return int(marker.read_text().split()[0])


FAULTS = [
    Fault(name="killed at a point", breaks="process", happen=killed),
    Fault(name="frozen at a point", breaks="process", happen=frozen),
    Fault(name="error at a point", breaks="process", happen=raised),
    Fault(name="delayed at a point", breaks="process", happen=delayed),
]
