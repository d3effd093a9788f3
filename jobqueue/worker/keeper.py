"""Keeps the house: rescues jobs whose owner is dead, prunes what is old. Every worker has one; none of them leads.

Dead means that both witnesses are gone: the lease in Redis and the heartbeat in the database. And it takes two looks: a
heartbeat must have stood still, by this process's own clock, for longer than a living worker takes to renew it, so a
database whose clock jumps ahead kills nobody. It is watched from half a lease on, so a rescue takes no longer for that.
Nor does whoever keeps SQLite locked kill anybody, though no heartbeat can be written: a worker that finds it locked
goes on, and for a lease period nobody is rescued.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from django.db import OperationalError
from django.tasks import TaskResultStatus

from .. import lifecycle, retention, tallies
from ..conf import Options
from ..database import connection, gave_way, is_locked
from ..leases import Leases, LeasesUnavailable
from ..lifecycle import Orphan, Silent
from ..points import reached
from .bookkeeper import Bookkeeper
from .doorkeeper import Doorkeeper
from .timekeeper import Timekeeper

logger = logging.getLogger("jobqueue.worker")
# These two read all running jobs, and every worker has a keeper.
_UNKNOWN_SECONDS = 60.0
_FORGET_SECONDS = 60.0
_PRUNE_SECONDS = 60.0
_PRUNE_LOT = 500
_PRUNE_AT_MOST_SECONDS = 1.0
_FORGET_WORKERS_AFTER = timedelta(days=1)
_FORGET_LIMITS_AFTER = timedelta(days=1)
# Seconds; whoever has written more into a row is to keep no job from being rescued.
_LONGEST_LEASE = 3600.0


@contextmanager
def _giving_way() -> Iterator[None]:
    """Leave for the next time what somebody else has locked: it is to hold up nothing that comes behind it."""
    try:
        yield
    except OperationalError as error:
        if not gave_way(connection(), error):
            raise
        logger.info(
            "A row that is to be kept in order is locked (%s): it is left for the next time.", str(error).strip()
        )


class Keeper:
    """Looks after the jobs of one backend."""

    def __init__(
        self,
        backend: str,
        worker_id: str,
        leases: Leases | None,
        options: Options,
        *,
        woken: Callable[[], None],
        doorkeeper: Doorkeeper | None = None,
        timekeeper: Timekeeper | None = None,
        books: Bookkeeper | None = None,
    ) -> None:
        self._backend = backend
        self._worker_id = worker_id
        self._leases = leases
        self._options = options
        self._woken = woken
        self._doorkeeper = doorkeeper
        self._timekeeper = timekeeper
        self._books = books or Bookkeeper(backend)
        self._stood_since: dict[str, tuple[datetime | None, float]] = {}
        self._locked_at = -math.inf
        # By the period of a lease: of those that are longer something is heard later.
        self._unwitnessed_since: dict[float, float] = {}
        self._waiting_for_memory = False
        self._next_unknown = 0.0
        self._next_prune = self._next_forget = time.monotonic() + random.uniform(0, _PRUNE_SECONDS)  # noqa: S311  (spreads)

    def tick(self) -> float:
        """Rescue, let go on, have schedules tick and prune what there is to; raises DatabaseError."""
        self._rescue()
        self._books.write()
        pause = self._options.keeper_seconds if self._doorkeeper is None else self._sweep(self._doorkeeper)
        if time.monotonic() >= self._next_forget:
            self._next_forget = time.monotonic() + _FORGET_SECONDS
            with _giving_way():
                lifecycle.prune_workers(older_than=_FORGET_WORKERS_AFTER)
            with _giving_way():
                lifecycle.prune_keys(limit=_PRUNE_LOT)
            with _giving_way():
                lifecycle.prune_limits(older_than=_FORGET_LIMITS_AFTER, limit=_PRUNE_LOT)
            with _giving_way():
                tallies.roll_up()
        if time.monotonic() >= self._next_prune:
            self._next_prune = time.monotonic() + _PRUNE_SECONDS
            with _giving_way():
                self._next_prune = time.monotonic() + self._prune()
        # Not in step with the keepers of other workers.
        pause *= random.uniform(0.8, 1.2)  # noqa: S311
        return pause if self._timekeeper is None else self._timekeeper.look(at_most=pause)

    def _sweep(self, doorkeeper: Doorkeeper) -> float:
        """Let jobs go on that have waited for others, and return in how many seconds to look again."""
        swept = doorkeeper.sweep()
        if swept.opened:
            self._woken()
        return min(self._options.keeper_seconds, swept.again_in)

    def _rescue(self) -> None:
        silent = lifecycle.silent_workers()
        self._watch(silent)
        # What is ours but unknown to us is the dispatcher's to hand back.
        suspects = [o for o in self._orphans(silent) if o.worker_id != self._worker_id]
        dead = self._without_lease([o for o in suspects if self._stands_still(o)])
        watched = {*silent, *(o.worker_id for o in suspects)}
        self._stood_since = {w: s for w, s in self._stood_since.items() if w in watched}
        if time.monotonic() - self._locked_at < self._options.lease_seconds:
            return
        for orphan in dead:
            with _giving_way():
                self._rescue_one(orphan)

    def _rescue_one(self, orphan: Orphan) -> None:
        status = lifecycle.rescue(orphan, max_crashes=self._options.max_crashes)
        if status is not None:
            reached("rescue.after")
            self._books.rescued(for_good=status == TaskResultStatus.FAILED)
            logger.warning(
                "Job %s was rescued from worker %s, which gives no sign of life; it is %s now.",
                orphan.fence.job_id,
                orphan.worker_id,
                status,
            )
            self._woken()
            if self._doorkeeper is not None and status == TaskResultStatus.FAILED:
                self._doorkeeper.follow([orphan.fence.job_id])

    def _watch(self, silent: dict[str, Silent]) -> None:
        """Note since when heartbeats stand still, and whether SQLite is locked, before it comes to a judgement."""
        for worker_id, one in silent.items():
            self._still_since(worker_id, one.heartbeat_at)
        # The time between two looks and this one together are less than a heartbeat waits.
        if any(not one.stopped for one in silent.values()) and is_locked(
            connection(), self._options.lease_seconds / 20
        ):
            self._locked_at = time.monotonic()

    def _orphans(self, silent: dict[str, Silent]) -> list[Orphan]:
        """Return the jobs of dead workers, and now and then also those whose worker nobody has a record of."""
        now = time.monotonic()
        unknown = now >= self._next_unknown
        found = lifecycle.orphans(self._backend, silent=silent, unknown=unknown)
        # A heartbeat that is not there has to be missed twice, as one that stands still.
        if unknown and all(orphan.heartbeat_at is not None for orphan in found):
            self._next_unknown = now + _UNKNOWN_SECONDS
        return found

    def _stands_still(self, orphan: Orphan) -> bool:
        """Return whether the heartbeat of a job's worker has not moved for long enough, by our own clock."""
        if orphan.stopped:
            return True
        since = self._still_since(orphan.worker_id, orphan.heartbeat_at)
        return time.monotonic() - since > self._period_of(orphan) / 2

    def _period_of(self, orphan: Orphan) -> float:
        """Return for how long a lease of a job's worker lasts: in a deploy some have others than these settings."""
        theirs = orphan.lease_seconds if math.isfinite(orphan.lease_seconds) else 0.0
        return max(self._options.lease_seconds, min(theirs, _LONGEST_LEASE))

    def _still_since(self, worker_id: str, heartbeat_at: datetime | None) -> float:
        seen, since = self._stood_since.get(worker_id, (heartbeat_at, time.monotonic()))
        if seen != heartbeat_at:
            since = time.monotonic()
        self._stood_since[worker_id] = heartbeat_at, since
        return since

    def _without_lease(self, suspects: list[Orphan]) -> list[Orphan]:
        """Return those on whose jobs nobody holds a lease either."""
        if self._leases is None:
            return suspects
        # Asked even when nobody is suspected: how old a memory is, or how long a silence, counts from its beginning.
        by_period: dict[float, list[Orphan]] = {self._options.lease_seconds: []}
        for orphan in suspects:
            by_period.setdefault(self._period_of(orphan), []).append(orphan)
        dead = list[Orphan]()
        for period, some in by_period.items():
            alive = self._ask_redis([orphan.fence.job_id for orphan in some], period)
            dead += [] if alive is None else [orphan for orphan in some if orphan.fence.job_id not in alive]
        self._unwitnessed_since = {it: at for it, at in self._unwitnessed_since.items() if it in by_period}
        return dead

    def _ask_redis(self, job_ids: list[UUID], period: float) -> set[UUID] | None:
        assert self._leases is not None
        asked = since = time.monotonic()
        try:
            alive = self._leases.witness(job_ids, period=period)
        except LeasesUnavailable:
            alive = None
        else:
            # A memory that has begun is a lease period old by the server's clock before it is by this one.
            since = time.monotonic()
            if alive is None and not self._waiting_for_memory:
                logger.info("Redis remembers too little to say who is dead: nobody is rescued for a lease period.")
            self._waiting_for_memory = alive is None
        if alive is not None:
            self._unwitnessed_since.pop(period, None)
            return alive
        # Silent, or emptied again and again, or with a clock that stands still. No lease outlives its period, so after
        # that long without a word that can be believed the heartbeat alone decides.
        return set() if asked - self._unwitnessed_since.setdefault(period, since) > period else None

    def _prune(self) -> float:
        """Prune for a second at most, in small lots, and return in how many seconds to do so again."""
        deadline = time.monotonic() + _PRUNE_AT_MOST_SECONDS
        for older_than, of in retention.rules(self._options):
            while lifecycle.prune(self._backend, older_than=older_than, of=of, limit=_PRUNE_LOT) == _PRUNE_LOT:
                if time.monotonic() > deadline:
                    return 0.0
        return _PRUNE_SECONDS
