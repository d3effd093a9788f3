"""Writes down how jobs ended, in batches, and gives their leases back. What the database does not take now is kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from uuid import UUID

from django.db import DataError, IntegrityError
from django.tasks import TaskResultStatus

from .. import lifecycle, signals
from ..database import connection
from ..fence import Fence
from ..leases import Leases, LeasesUnavailable
from ..lifecycle import Failure
from ..models import Outcome
from .holdings import Holding, Holdings

logger = logging.getLogger("jobqueue.worker")
_BATCH = 500


class Settler:
    """The open ends of a worker. Until an end is written down its claim is held, and so renewed."""

    def __init__(
        self,
        holdings: Holdings,
        leases: Leases | None,
        worker_id: str,
        *,
        wake: Callable[[Iterable[str]], None] | None = None,
    ) -> None:
        self._holdings = holdings
        self._leases = leases
        self._worker_id = worker_id
        self._wake = wake
        self._values: dict[UUID, tuple[Holding, str | None]] = {}
        self._verbs: list[tuple[Holding, Callable[[], object]]] = []
        self._returned: list[Holding] = []
        self._over: list[Holding] = []

    def value(self, holding: Holding, value: str | None) -> None:
        """Have a job settled whose body left nothing to commit but its value."""
        self._values[holding.claim.job_id] = holding, value

    def crashed(self, holding: Holding, failure: Failure) -> None:
        """Have the death of a job's process written down."""
        self._verbs.append((holding, lambda: lifecycle.crash(holding.fence, failure)))

    def failed(self, holding: Holding, failure: Failure) -> None:
        """Have a failure written down that the executor could not write itself."""
        self._verbs.append((holding, lambda: lifecycle.fail(holding.fence, failure)))

    def hand_back(self, holding: Holding, *, started: bool = False, delay: float = 0.0) -> None:
        """Have a job handed back, uncharged; ready again in ``delay`` seconds."""
        if started or delay:
            self._verbs.append((holding, lambda: lifecycle.release([holding.fence], started=started, delay=delay)))
        else:
            self._returned.append(holding)

    def over(self, holding: Holding) -> None:
        """Note that a claim is over: its end is written down, or it is not ours any more."""
        self._over.append(holding)

    def owes(self) -> bool:
        """Return whether there is anything left to write down."""
        return bool(self._values or self._verbs or self._returned or self._over)

    def flush(self) -> bool:
        """Write everything down and return whether a job may be due again by that.

        Raises DatabaseError; what was not written is kept for the next time.
        """
        ready: set[str] = set()
        while self._values:
            self._settle(dict(list(self._values.items())[:_BATCH]))
        while self._verbs:
            holding, verb = self._verbs[0]
            verb()
            self._verbs.pop(0)
            self._over.append(holding)
            ready.add(holding.claim.queue)
        if self._returned:
            lifecycle.release([holding.fence for holding in self._returned], started=False)
            ready.update(holding.claim.queue for holding in self._returned)
            self._over += self._returned
            self._returned = []
        if self._over:
            self._close()
        if ready and self._wake is not None:
            self._wake(ready)  # Another worker may have nothing to do.
        return bool(ready)

    def _settle(self, batch: dict[UUID, tuple[Holding, str | None]]) -> None:
        try:
            settled = lifecycle.settle(connection(), [(holding.fence, value) for holding, value in batch.values()])
        except (DataError, IntegrityError) as error:
            self._settle_apart(batch, error)
            return
        for job_id, (holding, _) in batch.items():
            if job_id in settled:
                signals.log_finished(job_id, holding.claim.task_path, TaskResultStatus.SUCCESSFUL)
            else:
                logger.warning("Job %s: the database refused its result: it is no longer ours.", job_id)
                lifecycle.count_refused(holding.fence, worker_id=self._worker_id)
            del self._values[job_id]
            self._over.append(holding)

    def _settle_apart(self, batch: dict[UUID, tuple[Holding, str | None]], error: Exception) -> None:
        """Settle one by one, so that a value that the database will not store fails its own job alone."""
        if len(batch) > 1:
            for job_id, entry in batch.items():
                self._settle({job_id: entry})
            return
        ((job_id, (holding, _)),) = batch.items()
        text = f"The database cannot store what the task returned: {error}"
        self.failed(holding, Failure(Outcome.INVALID, "jobqueue.errors.InvalidResult", text, retry_in=None))
        del self._values[job_id]

    def _close(self) -> None:
        lifecycle.close_attempts([h.fence for h in self._over if h.renewals or h.progress])
        over, self._over = self._over, []
        for holding in over:
            current = self._holdings.get(holding.claim.job_id)
            if current is holding:
                self._holdings.drop(holding.claim.job_id)
        self._release([holding.fence for holding in over])

    def _release(self, fences: list[Fence]) -> None:
        if self._leases is not None:
            try:
                self._leases.release(fences, self._worker_id)
            except LeasesUnavailable:
                return  # They lapse by themselves.
