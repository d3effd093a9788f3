"""Stops a process group, and lets it go on after a time: ``python -m project.counters.freeze GROUP SECONDS``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time


def freeze(group: int, seconds: float) -> None:
    """Stop every process of a group for so many seconds, or until there is none."""
    until = time.monotonic() + seconds
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGSTOP)
        while time.monotonic() < until:
            os.killpg(group, 0)  # Raises when nobody is left.
            time.sleep(0.2)
        os.killpg(group, signal.SIGCONT)


if __name__ == "__main__":
    freeze(int(sys.argv[1]), float(sys.argv[2]))
