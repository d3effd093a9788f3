"""Worker processes of a drill: started, broken with real signals, and ended for certain."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path


class Worker:
    """One worker and its children, in a process group of their own: Ctrl-C in a terminal does not reach them."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        self.log = log
        # What a killed worker cannot remove is removed with the directory.
        environment = {**os.environ, "TMPDIR": str(log.parent)}
        with log.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603  (our own command line)
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def has_died(self) -> bool:
        """Return whether the worker has ended by itself, which it should not."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """Kill the worker alone, as `kill -9` does; its children are expected to die with it."""
        os.kill(self.pid, signal.SIGKILL)

    def stop(self) -> None:
        """Tell the worker to stop, as a deployment does (SIGTERM)."""
        os.kill(self.pid, signal.SIGTERM)

    def freeze(self) -> None:
        """Stop the worker and all its children in the middle of whatever they do."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let all of them go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def end(self) -> None:
        """End the worker and its children at once, frozen or not; all that they hold goes with the drill's database."""
        # Until a dead worker was waited for, its number is nobody else's.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()


def has_ended(pid: int) -> bool:
    """Return whether a process has ended, as far as that can be told: its parent may not have heard of it yet."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        pass  # It is gone, or this system tells such things elsewhere.
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
