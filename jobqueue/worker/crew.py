"""The executors as their parent sees them: what each has been sent, and how one is started, fed, retired and buried."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

from ..lifecycle import Claim
from ..models import Outcome
from .board import Board
from .executor import process
from .messages import Interrupt, Recall, Run, Stop, ToExecutor, Why
from .trust import Trust

PRELOAD = ["jobqueue.worker.preload"]
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(PRELOAD)


@dataclass(frozen=True, slots=True)
class Doom:
    """Why the worker itself killed an executor; what is written down about the job that it ran."""

    outcome: Outcome
    text: str


class Executor:
    """A child process. `outstanding` is what it was sent and has not reported, by number, in order."""

    def __init__(self, board: Board, trust: Trust, backend: str, worker_id: str) -> None:
        self.board = board
        self.outstanding: OrderedDict[int, Claim] = OrderedDict()
        self.doom: Doom | None = None
        self.frozen_since: float | None = None
        self.up = False
        self.retiring = False
        self.recalled = False
        self.jobs_done = 0
        self.memory = 0
        self.started_at = time.monotonic()
        self._serials = itertools.count(1)
        self._sending = threading.Lock()
        self.pipe: Connection[Any, Any]
        self.pipe, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(
            target=process.main, args=(theirs, board, trust, backend, worker_id), name="jobqueue-executor"
        )
        self._process.start()
        theirs.close()
        self.pid: int = self._process.pid or 0

    @property
    def sentinel(self) -> int:
        """A handle that becomes readable when the process has died."""
        return self._process.sentinel

    @property
    def exit_code(self) -> int | None:
        """How the process ended: its exit code, or minus the number of the signal that killed it."""
        return self._process.exitcode

    def running(self) -> Claim | None:
        """Return the job that it runs just now."""
        return self.outstanding.get(self.board.running())

    def runs(self, job_id: UUID) -> bool:
        """Return whether it runs the body of that job just now."""
        claim = self.running()
        return claim is not None and claim.job_id == job_id and self.board.in_body()

    def hand(self, claims: list[Claim]) -> list[int]:
        """Send jobs and return their numbers; a dead executor takes them too, and its burial gives them back."""
        serials = [next(self._serials) for _ in claims]
        self.outstanding.update(zip(serials, claims, strict=True))
        self._send(Run(claims))
        return serials

    def recall(self) -> None:
        """Ask for what has ended, and for what has not begun to be given back."""
        self.recalled = True
        self._send(Recall())

    def interrupt(self, job_id: UUID, why: Why) -> None:
        """Have an error raised in the body of a job."""
        # Called by the watchdog, which must not wait for a pipe that a frozen process does not read.
        if self._sending.acquire(timeout=0.05):
            try:
                self._write(Interrupt(job_id, why))
            finally:
                self._sending.release()

    def retire(self) -> None:
        """Let it end when it has done what it was sent."""
        self.retiring = True
        self._send(Stop())

    def kill(self, doom: Doom | None = None) -> None:
        """End the process at once, unless it has ended already."""
        self.doom = self.doom or doom
        with contextlib.suppress(ValueError):  # Buried by the main thread meanwhile.
            self._process.kill()

    def bury(self) -> None:
        """Free what a dead process leaves behind."""
        self._process.join()
        self._process.close()
        self.pipe.close()

    def is_stopped(self) -> bool:
        """Return whether the process is stopped by a signal (SIGSTOP, a debugger); False where that cannot be told."""
        try:
            with open(f"/proc/{self.pid}/stat") as stat:
                return stat.read().rpartition(")")[2].split()[0] in "Tt"
        except OSError:
            return False

    def _send(self, message: ToExecutor) -> None:
        with self._sending:
            self._write(message)

    def _write(self, message: ToExecutor) -> None:
        try:
            self.pipe.send(message)
        except OSError:
            return  # It is dead; its sentinel says so.


class Crew:
    """The executors of a worker."""

    def __init__(self, size: int, *, trust: Trust, backend: str, worker_id: str) -> None:
        self.size = size
        self._trust = trust
        self._backend = backend
        self._worker_id = worker_id
        self._executors: list[Executor] = []
        self._short_lives = 0
        self._next_start = 0.0

    def fill(self) -> None:
        """Start executors until there are as many as there should be; waits longer after each that died at once.

        What the dead have left behind comes first, for a start takes its time.
        """
        if len(self._executors) >= self.size or any(executor.exit_code is not None for executor in self._executors):
            return
        while len(self._executors) < self.size and time.monotonic() >= self._next_start:
            self._executors.append(Executor(Board(CONTEXT), self._trust, self._backend, self._worker_id))
            if self._short_lives:
                self._next_start = time.monotonic() + min(5.0, 0.2 * 2**self._short_lives)

    def all(self) -> list[Executor]:
        """Return a snapshot."""
        return list(self._executors)

    def free(self) -> list[Executor]:
        """Return those that have nothing to do."""
        return [e for e in self._executors if e.up and not e.outstanding and not e.retiring]

    def remove(self, executor: Executor) -> None:
        """Forget an executor that has died."""
        self._executors.remove(executor)
        self._short_lives = 0 if executor.up else self._short_lives + 1
        executor.bury()

    def describe(self) -> list[dict[str, Any]]:
        """Return what each executor does, for people to look at."""
        return [{"pid": e.pid, "job": _job(e.running()), "memory": e.memory} for e in self._executors]

    def wait_until_gone(self, executors: Iterable[Executor], *, seconds: float) -> None:
        """Wait until these processes have died."""
        deadline = time.monotonic() + seconds
        for executor in executors:
            executor._process.join(max(0.0, deadline - time.monotonic()))


def _job(claim: Claim | None) -> str | None:
    return str(claim.job_id) if claim else None


def describe_exit(code: int | None) -> str:
    """Return how a process ended, in words."""
    if code is not None and code < 0:
        return f"was killed by signal {-code}"
    return f"ended with exit status {code}"
