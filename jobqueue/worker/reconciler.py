"""Compares what this worker believes to hold with what the database says, in both directions.

A claim whose reply was lost is ours without our knowing: it is handed back. A claim that was cancelled or rescued is
not ours any more: its body is told, then killed; the database refuses its writes in any case.
"""

from __future__ import annotations

import logging
import time

from .. import lifecycle
from ..fence import Fence
from ..models import Outcome
from .crew import Crew, Doom
from .holdings import Holding, Holdings
from .messages import Why
from .settler import Settler

logger = logging.getLogger("jobqueue.worker")


class Reconciler:
    """Keeps holdings true. Runs in the dispatcher's thread, so that no claim is under way meanwhile."""

    def __init__(
        self, worker_id: str, holdings: Holdings, crew: Crew, settler: Settler, *, period: float, patience: float
    ) -> None:
        self._worker_id = worker_id
        self._holdings = holdings
        self._crew = crew
        self._settler = settler
        self._period = period
        self._patience = patience
        self._next = time.monotonic() + period
        self._revoked: dict[Fence, float] = {}

    def step(self) -> None:
        """Compare, when it is time to; raises DatabaseError."""
        now = time.monotonic()
        self._kill_who_does_not_listen(now)
        if now < self._next:
            return
        self._next = now + self._period
        # Ends that executors write down while we ask look like revocations; those that ended are told soon.
        held = self._holdings.all()
        owned = lifecycle.held_tokens(self._worker_id)
        for holding in held:
            if owned.pop(holding.claim.job_id, None) != holding.claim.token:
                self._revoke(holding, now)
        for job_id, token in owned.items():
            if self._holdings.get(job_id) is None:
                logger.warning("Job %s was claimed but its claim was never heard of: handed back.", job_id)
                lifecycle.release([Fence(job_id, 0, token)], started=False)

    def _revoke(self, holding: Holding, now: float) -> None:
        executor, job_id, fence = holding.executor, holding.claim.job_id, holding.fence
        if executor is None or not executor.runs(job_id):
            return  # Its end is on its way to us, or its first write will be refused.
        if fence not in self._revoked:
            logger.warning("Job %s is no longer ours: telling its body.", job_id)
            self._revoked[fence] = now + self._patience
            executor.interrupt(job_id, Why.LEASE_LOST)

    def _kill_who_does_not_listen(self, now: float) -> None:
        for fence, deadline in list(self._revoked.items()):
            holding = self._holdings.get(fence.job_id)
            executor = holding.executor if holding and holding.fence == fence else None
            if executor is None or not executor.runs(fence.job_id):
                del self._revoked[fence]
            elif now > deadline:
                executor.kill(Doom(Outcome.RELEASED, "The job was cancelled or rescued and its body did not stop."))
