"""Stops bodies that must not go on: their time is over, their process is frozen, or this worker's trust has ended.

First the body is told by an error it can catch, then its process is killed; and always before another worker may act,
so that two runs of one job do not overlap. Only looks and signals: it never waits for a server.
"""

from __future__ import annotations

import logging
import time

from ..conf import Options
from ..models import Outcome
from ..task import find
from .board import Board
from .crew import Crew, Doom, Executor
from .messages import Why
from .trust import Trust

logger = logging.getLogger("jobqueue.worker")

_TICK = 0.05
_LOOK_FOR_FROZEN = 0.5
_LINGER_SECONDS = 5.0
# A limit is one for the body: what settles its job may have to wait for the database. But hooks and receivers end, too.
_SETTLE_SECONDS = 300.0
# An app may take its time to be loaded.
_STILLBORN_SECONDS = 300.0


class Watchdog:
    """Watches the executors of a worker."""

    def __init__(self, crew: Crew, trust: Trust, options: Options) -> None:
        self._crew = crew
        self._trust = trust
        self._options = options
        self._told: set[tuple[Executor, int]] = set()
        self._done_since: dict[Executor, float] = {}
        self._next_look = 0.0

    def tick(self) -> float:
        """Look at every executor once."""
        now = time.monotonic()
        look_for_frozen = now >= self._next_look
        if look_for_frozen:
            self._next_look = now + min(_LOOK_FOR_FROZEN, self._options.renew_seconds / 2)
        overdue = self._trust.overdue()
        for executor in self._crew.all():
            if look_for_frozen:
                self._look_for_frozen(executor, now)
            for board in executor.boards:
                if overdue > 0:
                    self._stop_untrusted(executor, board, overdue)
                self._stop_late(executor, board)
            self._end_stillborn(executor, now)
        self._stop_lingering(now)
        self._told = {(e, serial) for e, serial in self._told if any(serial == b.running() for b in e.boards)}
        return _TICK

    def _stop_untrusted(self, executor: Executor, board: Board, overdue: float) -> None:
        if serial := board.running():
            self._tell(executor, serial, Why.LEASE_LOST)
            if overdue > self._options.margin_seconds / 2:
                executor.kill(Doom(Outcome.LOST, "The worker could renew neither its lease nor its heartbeat."))

    def _stop_late(self, executor: Executor, board: Board) -> None:
        serial, seconds = board.running(), board.seconds()
        claim = executor.outstanding.get(serial)
        timeout = self._options.time_limit(find(claim.task_path).timeout) if claim is not None else None
        if timeout is None or seconds <= timeout:
            return
        in_body = board.in_body()
        if in_body:
            self._tell(executor, serial, Why.TIMED_OUT)
        if seconds > timeout + (self._options.kill_after_seconds if in_body else _SETTLE_SECONDS):
            executor.kill(self._doom_of_late(executor, serial, timeout))

    def _doom_of_late(self, executor: Executor, serial: int, timeout: float) -> Doom:
        """Return whose fault it is that a body did not stop: it cannot be told while another keeps the loop."""
        blocking = executor.blocking()
        if blocking not in (0, serial):
            text = "The coroutine kept the event loop to itself for so long that another one could not be told to stop."
            return Doom(Outcome.CRASHED, text, blocking)
        text = f"The body ran longer than its timeout of {timeout:g} s and did not stop when it was told."
        return Doom(Outcome.TIMED_OUT, text, serial)

    def _stop_lingering(self, now: float) -> None:
        """Kill who was told to end, has nothing more to do and does not: a thread that a body has left keeps it."""
        done = [e for e in self._crew.all() if e.retiring and not e.outstanding]
        self._done_since = {executor: self._done_since.get(executor, now) for executor in done}
        for executor, since in self._done_since.items():
            if now - since > _LINGER_SECONDS:
                executor.kill()

    def _end_stillborn(self, executor: Executor, now: float) -> None:
        """Kill who does not come up: forked from a process with threads, it may wait for a lock that nobody has."""
        if not executor.up and now - executor.started_at > _STILLBORN_SECONDS and not executor.doom:
            logger.warning("Executor %s has not come up in %g s: killing it.", executor.pid, _STILLBORN_SECONDS)
            executor.kill(Doom(Outcome.CRASHED, "The process did not come up."))

    def _look_for_frozen(self, executor: Executor, now: float) -> None:
        if not executor.is_stopped():
            executor.frozen_since = None
        elif executor.frozen_since is None:
            executor.frozen_since = now
        elif now - executor.frozen_since > self._options.lease_seconds:
            logger.warning("Executor %s has been stopped for longer than a lease: killing it.", executor.pid)
            executor.kill(Doom(Outcome.CRASHED, "The process was stopped (SIGSTOP) for longer than its lease."))

    def _tell(self, executor: Executor, serial: int, why: Why) -> None:
        # By the number that was judged: meanwhile it may have begun another job, which is not late.
        claim = executor.outstanding.get(serial)
        if claim is not None and (executor, serial) not in self._told:
            self._told.add((executor, serial))
            logger.warning("Job %s (%s) is told to stop: %s.", claim.job_id, claim.task_path, why.value)
            executor.interrupt(claim.job_id, why)
