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
from .crew import Crew, Doom, Executor
from .messages import Why
from .trust import Trust

logger = logging.getLogger("jobqueue.worker")

_TICK = 0.05
_LOOK_FOR_FROZEN = 0.5


class Watchdog:
    """Watches the executors of a worker."""

    def __init__(self, crew: Crew, trust: Trust, options: Options) -> None:
        self._crew = crew
        self._trust = trust
        self._options = options
        self._told: dict[Executor, int] = {}
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
            if overdue > 0:
                self._stop_untrusted(executor, overdue)
            self._stop_late(executor)
        self._told = {e: serial for e, serial in self._told.items() if serial == e.board.running()}
        return _TICK

    def _stop_untrusted(self, executor: Executor, overdue: float) -> None:
        if serial := executor.board.running():
            self._tell(executor, serial, Why.LEASE_LOST)
            if overdue > self._options.margin_seconds / 2:
                executor.kill(Doom(Outcome.LOST, "The worker could renew neither its lease nor its heartbeat."))

    def _stop_late(self, executor: Executor) -> None:
        serial, seconds = executor.board.running(), executor.board.seconds()
        claim = executor.outstanding.get(serial)
        timeout = find(claim.task_path).timeout if claim is not None else None
        if timeout is None or seconds <= timeout:
            return
        self._tell(executor, serial, Why.TIMED_OUT)
        if seconds > timeout + self._options.kill_after_seconds:
            text = f"The body ran longer than its timeout of {timeout:g} s and did not stop when it was told."
            executor.kill(Doom(Outcome.TIMED_OUT, text))

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
        if claim is not None and self._told.get(executor) != serial:
            self._told[executor] = serial
            logger.warning("Job %s (%s) is told to stop: %s.", claim.job_id, claim.task_path, why.value)
            executor.interrupt(claim.job_id, why)
