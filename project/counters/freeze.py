"""Stops a process group, and lets it go on after a time.

``python -m project.counters.freeze GROUP SECONDS [PID …]``: these of its processes go on first. A worker that is awake
stops what it runs, and executors are to have the time to write before that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

HEAD_START_SECONDS = 3.0


def freeze(group: int, seconds: float, first: Iterable[int] = ()) -> None:
    """Stop every process of a group for so many seconds, or until there is none; of these, ``first`` go on first."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGSTOP)
        _wait(group, seconds)
        if [pid for pid in first if _goes_on(pid, group)]:
            _wait(group, HEAD_START_SECONDS)
        os.killpg(group, signal.SIGCONT)


def _wait(group: int, seconds: float) -> None:
    """Wait; raises ProcessLookupError when nobody of the group is left."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        os.killpg(group, 0)
        time.sleep(0.2)


def _goes_on(pid: int, group: int) -> bool:
    """Have a process go on, if it still is one of the group."""
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(pid) == group:
            os.kill(pid, signal.SIGCONT)
            return True
    return False


if __name__ == "__main__":
    freeze(int(sys.argv[1]), float(sys.argv[2]), [int(pid) for pid in sys.argv[3:]])
