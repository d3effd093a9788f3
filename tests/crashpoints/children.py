"""The nursery and its children, as a test sees them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.processes import ROOT
from tests.waiting import wait_until


class Nursery:
    """The process that forks the others."""

    def __init__(self, database: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crashpoints.nursery"],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.crashpoints.settings",
                "JOBQUEUE_TEST_DATABASE": database,
                "PYTHONUNBUFFERED": "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **request: Any) -> Any:
        """Return the answer to a request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=20)


class Child:
    """A process and all it has started: they are one group."""

    def __init__(self, nursery: Nursery, deed: str, *arguments: Any, env: dict[str, str], output: Path) -> None:
        self.output_file = output
        self._nursery = nursery
        self._deed = deed
        self._status: int | None = None
        self.pid: int = nursery.ask(deed=deed, arguments=arguments, env=env, output=str(output))

    def __repr__(self) -> str:
        return f"<{self._deed}: pid {self.pid}, {'runs' if self.poll() is None else f'ended with {self._status}'}>"

    @property
    def output(self) -> str:
        """What it and its children have written so far."""
        # One that was ended at once has not come to make it.
        return self.output_file.read_text(errors="replace") if self.output_file.exists() else ""

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        if self._status is None:
            self._status = self._nursery.ask(poll=self.pid)
        return self._status

    def wait(self, seconds: float = 30.0) -> int:
        """Wait until it has ended, and return the exit status."""
        wait_until(lambda: self.poll() is not None, seconds, every=0.02)
        assert self._status is not None
        return self._status

    def terminate(self) -> None:
        """Ask for an orderly end."""
        os.kill(self.pid, signal.SIGTERM)

    def freeze(self) -> None:
        """Stop all of the group, as a machine that is paused does."""
        os.killpg(self.pid, signal.SIGSTOP)
        wait_until(lambda: all(state == "T" for state in _group(self.pid).values()), every=0.01)

    def thaw(self, *, but: int = 0) -> None:
        """Let all of the group go on, but one."""
        for pid in _group(self.pid):
            if pid != but:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def end(self) -> None:
        """End all of the group at once, frozen or not."""
        # Once nobody is left, and the first of them was waited for, the number may be another group's.
        if self.poll() is None:
            # One that was started a moment ago may not have a group of its own yet.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        if self._status is None or _group(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def wait_all_gone(self, seconds: float = 30.0) -> None:
        """Wait until nobody of the group is left."""
        wait_until(lambda: not _group(self.pid), seconds, every=0.02)


def state_of(pid: int) -> str:
    """Return the state of a process as ps tells it: T when it is stopped, Z or X when it is dead."""
    state, _ = _state(Path(f"/proc/{pid}")) or ("X", 0)
    return state


def _group(leader: int) -> dict[int, str]:
    """Return the processes of a group that are not dead, and their states."""
    states = {int(path.name): _state(path) for path in Path("/proc").iterdir() if path.name.isdecimal()}
    return {pid: state[0] for pid, state in states.items() if state and state[1] == leader and state[0] not in "ZX"}


def _state(process: Path) -> tuple[str, int] | None:
    try:
        state, _, group, *_ = (process / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return state, int(group)
