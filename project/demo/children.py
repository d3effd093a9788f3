"""The demo's processes: started on a leash, their output under their name, ended in order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from queue import SimpleQueue

from django.conf import settings

STOP_SECONDS = 6.0


def say(name: str, line: str) -> None:
    """Print a line under the name of who says it, in one write, for several threads print."""
    print(f"{name:<8} {line}\n", end="", flush=True)


class Child:
    """One `manage.py` command; puts itself into ``ended`` when it has ended."""

    def __init__(self, name: str, *arguments: str, ended: SimpleQueue[Child]) -> None:
        self.name = name
        self.arguments = arguments
        self.started = time.monotonic()
        self._ended = ended
        # A session of its own: Ctrl-C in a terminal reaches a whole group, and here one process says who stops when.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "project.demo.leash", "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "DJANGO_RUNSERVER_HIDE_WARNING": "true"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self._read, name=f"{name} output", daemon=True).start()
        threading.Thread(target=self._wait, name=f"{name} end", daemon=True).start()

    @property
    def pid(self) -> int:
        """The pid of the process."""
        return self._process.pid

    @property
    def age(self) -> float:
        """The seconds since it was started."""
        return time.monotonic() - self.started

    @property
    def reason(self) -> str | None:
        """Why it ended, None while it runs."""
        status = self._process.poll()
        if status is None:
            return None
        return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"

    def again(self) -> Child:
        """Start the same command once more."""
        return Child(self.name, *self.arguments, ended=self._ended)

    def ask_to_stop(self) -> None:
        """Ask for an orderly end, and return at once."""
        self._process.terminate()

    def stop(self) -> None:
        """Wait for the end that was asked for, and enforce it when it takes too long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        # Also when it has ended: a child of its own may be left in its group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            say(self.name, line.rstrip())

    def _wait(self) -> None:
        self._process.wait()
        self._ended.put(self)
