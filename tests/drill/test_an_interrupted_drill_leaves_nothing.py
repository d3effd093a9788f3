"""Given a drill that is under way, when it is ended from outside, then it takes down all that it made."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

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
