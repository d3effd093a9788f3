"""Given a drill that is under way, when it is ended from outside, then it takes down all that it made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobqueue.drill.plan import Plan
from tests.drill.drills import Drill
from tests.waiting import wait_until


def ctrl_c(drill: Drill) -> None:
    """As a terminal does: every process of the foreground gets it."""
    os.killpg(drill.process.pid, signal.SIGINT)


def terminate(drill: Drill) -> None:
    drill.process.terminate()


def kill(drill: Drill) -> None:
    drill.process.kill()


@pytest.mark.parametrize(("end", "status"), [(ctrl_c, 130), (terminate, 130), (kill, -signal.SIGKILL)])
def test_an_interrupted_drill_leaves_nothing(
    drill: Callable[..., Drill], end: Callable[[Drill], None], status: int
) -> None:
    held = drill()
    held.wait_until_under_way()
    end(held)

    assert held.wait() == status
    # The process that was started may go before the one that takes everything down.
    wait_until(lambda: not held.leftovers(), 20.0)
    assert "Interrupted. Nothing of the drill is left." in held.output


A_WORKER_DIES_OF_THE_SAME_CTRL_C = """
import os
import django
django.setup()
from jobqueue.drill.plan import current
from jobqueue.drill.scene import Scene, interrupted

class Queue:
    def command(self, concurrency):
        return ["-c", "import signal; signal.raise_signal(signal.SIGINT)"]
    def is_up(self, pid):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        interrupted.set()
        return False

try:
    Scene("none", Queue(), current()).start_worker()
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_worker_that_dies_of_the_same_ctrl_c_is_not_one_that_did_not_start(tmp_path: Path) -> None:
    plan = Plan(
        settings="tests.settings",
        backend="default",
        database="default",
        name="unused",
        key_prefix="unused",
        directory=str(tmp_path),
        lease_seconds=2.0,
    )
    command = [sys.executable, "-c", A_WORKER_DIES_OF_THE_SAME_CTRL_C]
    environment = {**os.environ, **plan.environment()}

    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert ended.stdout == "interrupted\n", ended.stderr
