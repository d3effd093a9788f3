"""The processes of a measurement: workers that can be frozen, and a client that enqueues."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .environment import ROOT
from .servers.programs import die_with_parent
from .tally import Tally

_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.004


class Stuck(Exception):
    """Jobs were not done in time, or a worker died; its text says what the workers wrote."""


class Workers:
    """The worker processes of a queue, each in a process group of its own, and their tally."""

    def __init__(self, commands: Sequence[Sequence[str]], *, env: Mapping[str, str], directory: Path) -> None:
        self.tally = Tally(directory / "tally")
        self._log = directory / "workers.log"
        with self._log.open("wb") as log:
            self._processes = [
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**env, "BENCH_TALLY": str(self.tally.directory), "PYTHONUNBUFFERED": "1"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )
                for command in commands
            ]
        self.pids = [process.pid for process in self._processes]

    def said(self) -> str:
        """Return what they wrote, which should be nothing."""
        return self._log.read_text(errors="replace").strip()

    def freeze(self) -> None:
        """Stop all of them in the middle of whatever they do."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let all of them go on."""
        self._signal(signal.SIGCONT)

    def wait_for(self, total: int, *, seconds: float = 300) -> None:
        """Wait until that many bodies have run; raises Stuck."""
        deadline = time.monotonic() + seconds
        while self.tally.total() < total:
            if time.monotonic() > deadline or not all(map(_runs, self._processes)):
                raise Stuck(f"{self.tally.total()} of {total} jobs have run. The workers wrote:\n{self.said()[-3000:]}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Ask them to stop, and end what does not."""
        self.thaw()
        for process in self._processes:
            os.kill(process.pid, signal.SIGTERM)  # Not terminate(), which takes leave of one that has ended.
        deadline = time.monotonic() + _STOP_SECONDS
        while any(map(_runs, self._processes)) and time.monotonic() < deadline:
            time.sleep(0.05)
        # Before they are waited for: until then their numbers are nobody else's.
        self._signal(signal.SIGKILL)
        for process in self._processes:
            process.wait()

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)


def _runs(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process runs, without taking leave of one that has ended."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


class Client:
    """The process that enqueues: see `client`."""

    def __init__(self, python: str, module: str, *, env: Mapping[str, str], log: Path) -> None:
        self._errors = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [python, "-m", "benchmarks.client", module],
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=die_with_parent,
            )
        self.has_bulk: bool = self._answer()["bulk"]

    def enqueue(self, task: str, count: int, *args: Any) -> float:
        """Enqueue one by one; return the seconds that took."""
        return self._ask(do="enqueue", task=task, count=count, args=args)

    def bulk(self, task: str, count: int, *, lot: int = 10_000) -> float:
        """Enqueue in lots; return the seconds that took."""
        return self._ask(do="bulk", task=task, count=count, lot=lot)

    def many(self, task: str, count: int) -> None:
        """Enqueue the fastest way there is."""
        if self.has_bulk:
            self.bulk(task, count)
        else:
            self.enqueue(task, count)

    def stamps(self, count: int, *, gap: float) -> float:
        """Enqueue jobs that tell when they began, one every ``gap`` seconds; return the seconds that took."""
        return self._ask(do="stamps", count=count, gap=gap)

    def forget(self) -> None:
        """Remove every job of a queue that keeps them in Redis."""
        self._ask(do="forget")

    def stop(self) -> None:
        """End it."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(10)

    def _ask(self, **command: Any) -> float:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise Stuck(f"The client died:\n{self._errors.read_text(errors='replace')[-3000:]}")
        return json.loads(line)
