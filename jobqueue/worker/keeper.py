"""Keeps the house: rescues jobs whose owner is dead, prunes what is old. Every worker has one; none of them leads.

Dead means that both witnesses are gone: the lease in Redis and the heartbeat in the database. And it takes two looks: a
heartbeat must have stood still, by this process's own clock, for longer than a living worker takes to renew it, so a
database whose clock jumps ahead kills nobody.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from .. import lifecycle
from ..conf import Options
from ..leases import Leases, LeasesUnavailable
from ..lifecycle import Orphan

logger = logging.getLogger("jobqueue.worker")
# These two read all running jobs, and every worker has a keeper.
_UNKNOWN_SECONDS = 60.0
_FORGET_SECONDS = 60.0
_PRUNE_SECONDS = 60.0
_PRUNE_LOT = 500
_PRUNE_AT_MOST_SECONDS = 1.0
_FORGET_WORKERS_AFTER = timedelta(days=1)


class Keeper:
    """Looks after the jobs of one backend."""

    def __init__(
        self, backend: str, worker_id: str, leases: Leases | None, options: Options, *, woken: Callable[[], None]
    ) -> None:
        self._backend = backend
        self._worker_id = worker_id
        self._leases = leases
        self._options = options
        self._woken = woken
        self._stood_since: dict[str, tuple[datetime | None, float]] = {}
        self._redis_silent_since: float | None = None
        self._next_unknown = 0.0
        self._next_prune = self._next_forget = time.monotonic() + random.uniform(0, _PRUNE_SECONDS)  # noqa: S311  (spreads)

    def tick(self) -> float:
        """Rescue and prune what there is to; raises DatabaseError."""
        self._rescue()
        if time.monotonic() >= self._next_forget:
            self._next_forget = time.monotonic() + _FORGET_SECONDS
            lifecycle.prune_workers(older_than=_FORGET_WORKERS_AFTER)
        if time.monotonic() >= self._next_prune:
            self._next_prune = time.monotonic() + self._prune()
        # Not in step with the keepers of other workers.
        return self._options.keeper_seconds * random.uniform(0.8, 1.2)  # noqa: S311

    def _rescue(self) -> None:
        # What is ours but unknown to us is the dispatcher's to hand back.
        suspects = [o for o in self._orphans() if o.worker_id != self._worker_id]
        dead = self._without_lease([o for o in suspects if self._stands_still(o)])
        self._stood_since = {w: s for w, s in self._stood_since.items() if w in {o.worker_id for o in suspects}}
        for orphan in dead:
            status = lifecycle.rescue(orphan, max_crashes=self._options.max_crashes)
            if status is not None:
                logger.warning(
                    "Job %s was rescued from worker %s, which gives no sign of life; it is %s now.",
                    orphan.fence.job_id,
                    orphan.worker_id,
                    status,
                )
                self._woken()

    def _orphans(self) -> list[Orphan]:
        """Return the jobs of dead workers, and now and then also those whose worker nobody has a record of."""
        now = time.monotonic()
        unknown = now >= self._next_unknown
        found = lifecycle.orphans(self._backend, unknown=unknown)
        # A heartbeat that is not there has to be missed twice, as one that stands still.
        if unknown and all(orphan.heartbeat_at is not None for orphan in found):
            self._next_unknown = now + _UNKNOWN_SECONDS
        return found

    def _stands_still(self, orphan: Orphan) -> bool:
        """Return whether the heartbeat of a job's worker has not moved for long enough, by our own clock."""
        if orphan.stopped:
            return True
        now = time.monotonic()
        seen, since = self._stood_since.get(orphan.worker_id, (orphan.heartbeat_at, now))
        if seen != orphan.heartbeat_at:
            seen, since = orphan.heartbeat_at, now
        self._stood_since[orphan.worker_id] = seen, since
        return now - since > self._options.lease_seconds / 2

    def _without_lease(self, suspects: list[Orphan]) -> list[Orphan]:
        """Return those on whose jobs nobody holds a lease either."""
        if self._leases is None:
            return suspects
        # Asked even when nobody is suspected: how old a memory is, or how long a silence, counts from its beginning.
        alive = self._ask_redis([orphan.fence.job_id for orphan in suspects])
        return [] if alive is None else [o for o in suspects if o.fence.job_id not in alive]

    def _ask_redis(self, job_ids: list[UUID]) -> set[UUID] | None:
        assert self._leases is not None
        now = time.monotonic()
        try:
            alive = self._leases.witness(job_ids)
        except LeasesUnavailable:
            # No lease outlives its period, so after that long a silence the heartbeat alone decides.
            self._redis_silent_since = self._redis_silent_since or now
            return set() if now - self._redis_silent_since > self._options.lease_seconds else None
        self._redis_silent_since = None
        return alive

    def _prune(self) -> float:
        """Prune for a second at most, in small lots, and return in how many seconds to do so again."""
        if self._options.retention_days is None:
            return _PRUNE_SECONDS
        age, deadline = timedelta(days=self._options.retention_days), time.monotonic() + _PRUNE_AT_MOST_SECONDS
        while lifecycle.prune(self._backend, older_than=age, limit=_PRUNE_LOT) == _PRUNE_LOT:
            if time.monotonic() > deadline:
                return 0.0
        return _PRUNE_SECONDS
