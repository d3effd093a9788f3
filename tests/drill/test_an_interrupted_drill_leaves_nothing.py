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


TWO_SIGNALS_AT_ONCE = """
import sys
import django
django.setup()
from jobqueue.drill.scene import interrupted

def interrupt_at(line):
    left = [line]
    def trace(frame, event, arg):
        if event == "line":
            left[0] -= 1
            if left[0] == 0:
                interrupted.set()
        return trace
    return trace

for line in range(1, 30):
    sys.settrace(interrupt_at(line))
    interrupted.set()
    sys.settrace(None)
print("set" if interrupted.is_set() else "not set")
"""


def in_a_process_of_the_drill(script: str, directory: Path) -> str:
    plan = Plan(
        settings="tests.settings",
        backend="default",
        database="default",
        name="unused",
        key_prefix="unused",
        directory=str(directory),
        lease_seconds=2.0,
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **plan.environment()},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_worker_that_dies_of_the_same_ctrl_c_is_not_one_that_did_not_start(tmp_path: Path) -> None:
    assert in_a_process_of_the_drill(A_WORKER_DIES_OF_THE_SAME_CTRL_C, tmp_path) == "interrupted\n"


def test_a_second_signal_may_come_while_the_first_is_handled(tmp_path: Path) -> None:
    """A terminal's Ctrl-C comes twice: by itself, and from the process that started the drill."""
    assert in_a_process_of_the_drill(TWO_SIGNALS_AT_ONCE, tmp_path) == "set\n"
