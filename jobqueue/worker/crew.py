"""The executors as their parent sees them: what each has been sent, and how one is started, fed, retired and buried."""

from __future__ import annotations

import contextlib
import itertools
import logging
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any
from uuid import UUID

from ..database import chosen, names
from ..lifecycle import Claim
from ..models import Outcome
from .board import Board
from .executor import process
from .messages import Interrupt, Recall, Run, Stop, Stopping, ToExecutor, Why
from .seats import Seats
from .trust import Trust

logger = logging.getLogger("jobqueue.worker")

PRELOAD = ["jobqueue.worker.preload"]
CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(PRELOAD)


@dataclass(frozen=True, slots=True)
class Doom:
    """Why the worker itself killed an executor; what is written down about the job that it ran.

    `serial` is the number of the job whose fault it is; 0 is of none, or of all.
    """

    outcome: Outcome
    text: str
    serial: int = 0


class Executor:
    """A child process, with a board for each of its seats.

    `outstanding` is what it was sent and has not reported, by number, in order; `alone` is the number of a job that
    must have no company.
    """

    def __init__(self, boards: Sequence[Board], seats: Seats, trust: Trust, backend: str, worker_id: str) -> None:
        self.boards = boards
        self.seats = seats
        self.outstanding: OrderedDict[int, Claim] = OrderedDict()
        self.doom: Doom | None = None
        self.frozen_since: float | None = None
        self.up = False
        self.retiring = False
        self.recalled = False
        self.alone = 0
        self.jobs_done = 0
        self.memory = 0
        self.started_at = time.monotonic()
        self._had = [0, 0]
        self._serials = itertools.count(1)
        self._sending = threading.Lock()
        self.pipe: Connection[Any, Any]
        self.pipe, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(
            target=process.main,
            args=(theirs, boards, seats, trust, backend, worker_id, chosen(), names()),
            name="jobqueue-executor",
        )
        _give_up_what_cannot_be_printed()
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

    def running(self) -> list[Claim]:
        """Return the jobs that it runs just now."""
        claims = (self.outstanding.get(board.running()) for board in self.boards)
        return [claim for claim in claims if claim is not None]

    def runs(self, job_id: UUID) -> bool:
        """Return whether it runs the body of that job just now."""
        for board in self.boards:
            claim = self.outstanding.get(board.running())
            if claim is not None and claim.job_id == job_id and board.in_body():
                return True
        return False

    def blocking(self) -> int:
        """Return the number of the job that keeps its event loop to itself; 0 when none is known to."""
        return next((board.running() for board in self.boards if board.is_blocking()), 0)

    def has(self, lane: int) -> int:
        """Return how many jobs of a lane it was sent and has not reported."""
        return self._had[lane] if self.seats.share_a_loop else len(self.outstanding)

    def take(self, serial: int) -> Claim | None:
        """Forget a job that it has not any more, and return it; None when there is no such."""
        claim = self.outstanding.pop(serial, None)
        if claim is not None and self.seats.share_a_loop:
            self._had[self.seats.lane_of(claim.task_path)] -= 1
        return claim

    def busy(self, lane: int, seconds: float) -> int:
        """Return how many seats of a lane have had the same job for longer than that."""
        return sum(self.boards[number].seconds() > seconds for number in self.seats.lanes[lane])

    def has_free_seat(self, lane: int) -> bool:
        """Return whether a job of that lane would begin at once."""
        return self.up and not self.retiring and not self.alone and self.has(lane) < len(self.seats.lanes[lane])

    def hand(self, claims: list[Claim], since: Sequence[float] | None = None) -> list[int]:
        """Send jobs and return their numbers; a dead executor takes them too, and its burial gives them back.

        ``since`` is from when on each was certainly claimed, on the monotonic clock; now, if it is not said.
        """
        serials = [next(self._serials) for _ in claims]
        self.outstanding.update(zip(serials, claims, strict=True))
        if self.seats.share_a_loop:
            for claim in claims:
                self._had[self.seats.lane_of(claim.task_path)] += 1
        self._send(Run(claims, list(since) if since else [time.monotonic()] * len(claims)))
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

    def tell_stopping(self) -> None:
        """Let the body that runs know, should it ask, that the worker stops."""
        self._send(Stopping())

    def retire(self) -> None:
        """Let it end when it has done what it was sent."""
        self.retiring = True
        self._send(Stop())

    def kill(self, doom: Doom | None = None) -> None:
        """End the process at once, unless it has ended already."""
        self.doom = self.doom or doom
        with contextlib.suppress(ValueError, OSError):  # Buried by the main thread meanwhile.
            # Nobody may have asked yet how it ended, and its number may be somebody else's by now.
            if not wait([self._process.sentinel], 0):
                self._process.kill()

    def bury(self) -> None:
        """Free what a dead process leaves behind."""
        self._process.join()
        self._process.close()
        # The watchdog may be about to write: into nothing, or into what is opened next under the same number.
        with self._sending:
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


def _give_up_what_cannot_be_printed() -> None:
    """Begin standard streams anew that cannot be flushed, as on a full disk: no process can be started with them."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        try:
            stream.flush()
        except OSError:
            setattr(sys, name, open(stream.fileno(), "w", errors="backslashreplace", closefd=False))  # noqa: SIM115
        except (AttributeError, ValueError):
            continue  # There is none, or it is closed.


class Crew:
    """The executors of a worker."""

    def __init__(self, size: int, *, trust: Trust, backend: str, worker_id: str, seats: Seats | None = None) -> None:
        self.size = size
        self.seats = seats or Seats()
        self._trust = trust
        self._backend = backend
        self._worker_id = worker_id
        self._executors: list[Executor] = []
        self._short_lives = 0
        self._next_start = 0.0

    def fill(self) -> bool:
        """Start executors until there are as many as there should be; waits longer after each that died at once.

        What the dead have left behind comes first, for a start takes its time. Return whether there are new ones.
        """
        if len(self._executors) >= self.size or any(executor.exit_code is not None for executor in self._executors):
            return False
        before = len(self._executors)
        while len(self._executors) < self.size and time.monotonic() >= self._next_start:
            try:
                boards = [Board(CONTEXT) for _ in range(self.seats.total)]
                self._executors.append(Executor(boards, self.seats, self._trust, self._backend, self._worker_id))
            except Exception as error:
                # The fork server has just died, or the system is short of something: that passes.
                logger.warning("An executor could not be started (%r): trying again.", error)
                self._short_lives += 1
            if self._short_lives:
                self._next_start = time.monotonic() + min(5.0, 0.2 * 2 ** min(self._short_lives, 5))
        return len(self._executors) > before

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
        return [_described(executor) for executor in self._executors]


def _described(executor: Executor) -> dict[str, Any]:
    jobs = [str(claim.job_id) for claim in executor.running()]
    described: dict[str, Any] = {"pid": executor.pid, "job": jobs[0] if jobs else None, "memory": executor.memory}
    if executor.seats.total > 1:
        described |= {"jobs": jobs, "seats": executor.seats.total}
    return described


def describe_exit(code: int | None) -> str:
    """Return how a process ended, in words."""
    if code is not None and code < 0:
        return f"was killed by signal {-code}"
    return f"ended with exit status {code}"
