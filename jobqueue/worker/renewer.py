"""The signs of life: leases in Redis and the heartbeat in the database, each renewed by a thread of its own.

Neither lives in a process that runs jobs: native code that keeps the interpreter busy would starve it. Neither waits
for the other: a database that hangs must not keep the leases from being renewed.
"""

from __future__ import annotations

import time

from django.db import DatabaseError, OperationalError

from .. import lifecycle
from ..database import connection
from ..leases import Held, Leases
from ..lifecycle import Renewal
from .crew import Crew
from .holdings import Holding, Holdings
from .registration import Identity, beat
from .trust import Trust


class LeaseRenewer:
    """Renews the leases of everything this worker holds."""

    def __init__(self, leases: Leases, holdings: Holdings, trust: Trust, identity: Identity, *, period: float) -> None:
        self._leases = leases
        self._holdings = holdings
        self._trust = trust
        self._identity = identity
        self._period = period

    def tick(self) -> float:
        """Renew every lease in one round trip; raises LeasesUnavailable."""
        held = [holding for holding in self._holdings.all() if not _is_frozen(holding)]
        sent = time.monotonic()
        grants = self._leases.renew([Held(h.fence, h.renewals + 1, h.pid) for h in held], self._identity.id)
        # One that is not there, for want of memory, says of nobody that they are alive.
        if grants and all(grant.held for grant in grants):
            self._trust.extend(sent)
        for holding in held:
            holding.renewals += 1
        return self._period


class Heartbeat:
    """Updates the worker's own row, and records the renewals of jobs that have lived through one."""

    def __init__(
        self,
        holdings: Holdings,
        crew: Crew,
        trust: Trust,
        identity: Identity,
        *,
        period: float,
        counts_renewals: bool,
    ) -> None:
        self._holdings = holdings
        self._crew = crew
        self._trust = trust
        self._identity = identity
        self._period = period
        self._counts_renewals = counts_renewals
        self._next_beat = 0.0

    def tick(self) -> float:
        """Write the heartbeat when it is time, and what has changed since the last tick; raises DatabaseError."""
        now = time.monotonic()
        if now >= self._next_beat:
            self._beat(now)
            self._next_beat = now + self._period
        self._record()
        return max(0.05, min(1.0, self._next_beat - time.monotonic()))

    def _beat(self, sent: float) -> None:
        try:
            beat(self._identity, self._crew.describe())
        except OperationalError as error:
            if not _is_locked_sqlite(error):
                raise
            # Somebody writes to SQLite and keeps everybody from writing: also who would rescue our jobs.
        self._trust.extend(sent)
        if self._counts_renewals:
            for holding in self._holdings.all():
                holding.renewals += not _is_frozen(holding)

    def _record(self) -> None:
        changed = [h for h in self._holdings.all() if h.recorded != (h.renewals, h.progress)]
        states = [(h, (h.renewals, h.progress)) for h in changed]
        renewals = [Renewal(h.fence, n, h.pid, progress, h.claim.started_at) for h, (n, progress) in states]
        if lifecycle.record_renewals(self._identity.id, renewals):
            for holding, state in states:
                holding.recorded = state


def _is_frozen(holding: Holding) -> bool:
    return holding.executor is not None and holding.executor.frozen_since is not None


def _is_locked_sqlite(error: DatabaseError) -> bool:
    return connection().vendor == "sqlite" and "locked" in str(error)
