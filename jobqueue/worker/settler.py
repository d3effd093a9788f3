"""Writes down how jobs ended, in batches, and gives their leases back. What the database does not take now is kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from uuid import UUID

from django.db import DataError, IntegrityError, OperationalError
from django.tasks import TaskResultStatus

from .. import lifecycle, sessions, signals
from ..database import connection, lock_timed_out
from ..fence import Fence
from ..leases import Leases, LeasesUnavailable
from ..lifecycle import Failure
from ..models import Outcome
from ..points import reached
from .doorkeeper import Doorkeeper
from .holdings import Holding, Holdings

logger = logging.getLogger("jobqueue.worker")
_BATCH = 500
_LOCKED_SECONDS = 2.0
type _Entry = tuple[Holding, str | None]
type _Verb = Callable[[], object]


class Settler:
    """The open ends of a worker. Until an end is written down its claim is held, and so renewed.

    An end that waits for a row that somebody else has locked is put aside for a while, and keeps no other from being
    written down.
    """

    def __init__(
        self,
        holdings: Holdings,
        leases: Leases | None,
        worker_id: str,
        *,
        wake: Callable[[Iterable[str]], None] | None = None,
        doorkeeper: Doorkeeper | None = None,
    ) -> None:
        self._holdings = holdings
        self._leases = leases
        self._worker_id = worker_id
        self._wake = wake
        self._doorkeeper = doorkeeper
        self._values: dict[UUID, _Entry] = {}
        self._verbs: list[tuple[Holding, _Verb]] = []
        self._locked_values: dict[UUID, _Entry] = {}
        self._locked_verbs: list[tuple[Holding, _Verb]] = []
        self._locked_until = 0.0
        self._returned: list[Holding] = []
        self._over: list[Holding] = []
        self._dead: list[tuple[int, int]] = []

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

    def gone(self, pid: int, *, seats: int = 1) -> None:
        """Note that an executor died in a job: its sessions may still be busy with a statement, and hold rows."""
        self._dead.append((pid, seats))

    def over(self, holding: Holding) -> None:
        """Note that a claim is over: its end is written down, or it is not ours any more."""
        self._over.append(holding)

    def owes(self) -> bool:
        """Return whether there is anything left to write down."""
        return self.owes_now() or self._is_waiting()

    def owes_now(self) -> bool:
        """Return whether there is anything to write down that has not to wait for somebody else's lock."""
        return bool(self._values or self._verbs or self._returned or self._over)

    def flush(self) -> bool:
        """Write everything down and return whether a job may be due again by that, or another may begin in its place.

        Raises DatabaseError; what was not written is kept for the next time.
        """
        ready: set[str] = set()
        if self._dead:
            self._end_sessions()
        if self._is_waiting() and time.monotonic() >= self._locked_until:
            self._look_at_locked()
        while self._values:
            self._settle(dict(list(self._values.items())[:_BATCH]))
        while self._verbs:
            ready.update(self._say_next())
        if self._returned:
            ready.update(self._hand_back_returned())
        freed = any(holding.claim.limit_key for holding in self._over)
        if self._over:
            ready.update(self._close())
        if ready and self._wake is not None:
            self._wake(ready)  # Another worker may have nothing to do.
        return bool(ready) or freed

    def _end_sessions(self) -> None:
        for pid, seats in self._dead:
            sessions.end(connection(), self._worker_id, [pid], seats=seats)
        self._dead = []

    def _is_waiting(self) -> bool:
        return bool(self._locked_values or self._locked_verbs)

    def _look_at_locked(self) -> None:
        self._locked_until = time.monotonic() + _LOCKED_SECONDS
        if self._locked_values:
            self._settle_free(dict(self._locked_values))
        self._verbs += self._locked_verbs
        self._locked_verbs = []

    def _say_next(self) -> Iterable[str]:
        holding, verb = self._verbs[0]
        reached("settle.before-verb")
        heard = self._heard(verb)
        reached("settle.after-verb")
        self._verbs.pop(0)
        if not heard:
            self._locked_verbs.append((holding, verb))
            return []
        self._over.append(holding)
        return [holding.claim.queue]

    def _heard(self, verb: _Verb) -> bool:
        """Say a verb; return False when somebody else has its row locked."""
        try:
            verb()
        except OperationalError as error:
            if not lock_timed_out(error):
                raise
            self._locked_until = time.monotonic() + _LOCKED_SECONDS
            return False
        return True

    def _hand_back_returned(self) -> Iterable[str]:
        """Hand back what was returned, together; one by one from the next time on when a row among them is locked."""
        returned, fences = self._returned, [holding.fence for holding in self._returned]
        heard = self._heard(lambda: lifecycle.release(fences, started=False))
        self._returned = []
        if not heard:
            self._verbs += [(h, partial(lifecycle.release, [h.fence], started=False)) for h in returned]
            return []
        self._over += returned
        return [holding.claim.queue for holding in returned]

    def _settle(self, batch: dict[UUID, _Entry]) -> None:
        reached("settle.before")
        try:
            settled = lifecycle.settle(connection(), [(holding.fence, value) for holding, value in batch.values()])
        except (DataError, IntegrityError) as error:
            self._settle_apart(batch, error)
            return
        except OperationalError as error:
            if not lock_timed_out(error):
                raise
            self._settle_free(batch)
            return
        reached("settle.after")
        self._note_settled(batch, settled)

    def _settle_free(self, batch: dict[UUID, _Entry]) -> None:
        """Settle those that nobody else has locked, and put the others aside."""
        settled, locked = lifecycle.settle_free(connection(), [(h.fence, value) for h, value in batch.values()])
        self._note_settled({job_id: batch[job_id] for job_id in batch.keys() - locked}, settled)
        for job_id in locked:
            if job_id not in self._locked_values:
                logger.warning("Job %s is done, but somebody keeps its row locked: its result waits.", job_id)
            self._forget(job_id, batch[job_id])
            self._locked_values[job_id] = batch[job_id]
        self._locked_until = time.monotonic() + _LOCKED_SECONDS

    def _note_settled(self, batch: dict[UUID, _Entry], settled: set[UUID]) -> None:
        for job_id, entry in batch.items():
            holding = entry[0]
            if job_id in settled:
                signals.log_finished(job_id, holding.claim.task_path, TaskResultStatus.SUCCESSFUL)
            else:
                logger.warning("Job %s: the database refused its result: it is no longer ours.", job_id)
                self._holdings.books.refused(holding.claim)
                lifecycle.count_refused(holding.fence, worker_id=self._worker_id)
            self._forget(job_id, entry)
            self._over.append(holding)

    def _forget(self, job_id: UUID, entry: _Entry) -> None:
        if self._values.get(job_id) is entry:
            del self._values[job_id]
        elif self._locked_values.get(job_id) is entry:
            del self._locked_values[job_id]

    def _settle_apart(self, batch: dict[UUID, _Entry], error: Exception) -> None:
        """Settle one by one, so that a value that the database will not store fails its own job alone."""
        if len(batch) > 1:
            for job_id, entry in batch.items():
                self._settle({job_id: entry})
            return
        ((job_id, (holding, _)),) = batch.items()
        text = f"The database cannot store what the task returned: {error}"
        self.failed(holding, Failure(Outcome.INVALID, "jobqueue.errors.InvalidResult", text, retry_in=None))
        del self._values[job_id]

    def _close(self) -> Iterable[str]:
        """Let go of what is over, and return in which queues a job may be due that has waited for it."""
        reached("settle.before-close")
        for holding in self._over:
            if self._holdings.get(holding.claim.job_id) is holding:
                self._holdings.drop(holding.claim.job_id)
        # Not sooner: the heartbeat may be recording renewals, and closes by itself what it finds dropped behind that.
        lifecycle.close_attempts([h.fence for h in self._over if h.renewals or h.progress])
        over, self._over = self._over, []
        self._release([holding.fence for holding in over])
        if self._doorkeeper is None:
            return []
        return self._doorkeeper.follow([holding.claim.job_id for holding in over])

    def _release(self, fences: list[Fence]) -> None:
        if self._leases is not None:
            try:
                self._leases.release(fences, self._worker_id)
            except LeasesUnavailable:
                return  # They lapse by themselves.
