"""The signs of life: leases in Redis and the heartbeat in the database, each renewed by a thread of its own.

Neither lives in a process that runs jobs: native code that keeps the interpreter busy would starve it. Neither waits
for the other: a database that hangs must not keep the leases from being renewed.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import OperationalError

from .. import lifecycle
from ..database import connection, is_lock_of_sqlite, wait_for_writers
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
            self._holdings.books.renewed(holding.claim)
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
        self._named: set[int] = set()

    def tick(self) -> float:
        """Write the heartbeat when it is time, and what has changed since the last tick; raises DatabaseError.

        It is time, too, when there is an executor that the row does not name: who rescues its job ends its sessions.
        """
        now, executors = time.monotonic(), self._crew.describe()
        # The project may have it wait for longer than trust lasts.
        with wait_for_writers(connection(), 0.75 * self._period):
            written = True
            if now >= self._next_beat or not self._named.issuperset(e["pid"] for e in executors):
                written = self._beat(now, executors)
                self._next_beat = now + self._period
            if written:
                self._record()
        return max(0.05, min(1.0, self._next_beat - time.monotonic()))

    def _beat(self, sent: float, executors: list[dict[str, Any]]) -> bool:
        try:
            beat(self._identity, executors)
            written, self._named = True, {e["pid"] for e in executors}
        except OperationalError as error:
            if not is_lock_of_sqlite(connection(), error):
                raise
            # Who locks SQLite keeps everybody from writing, and keepers rescue nobody while they see that.
            written = False
        self._trust.extend(sent)
        if self._counts_renewals:
            for holding in self._holdings.all():
                if not _is_frozen(holding):
                    holding.renewals += 1
                    self._holdings.books.renewed(holding.claim)
        return written

    def _record(self) -> None:
        changed = [h for h in self._holdings.all() if h.recorded != (h.renewals, h.progress)]
        states = [(h, (h.renewals, h.progress)) for h in changed]
        renewals = [Renewal(h.fence, n, h.pid, progress, h.claim.started_at) for h, (n, progress) in states]
        if lifecycle.record_renewals(self._identity.id, renewals):
            for holding, state in states:
                holding.recorded = state
            # Their records were closed, or deleted, before this made them anew.
            if over := [h.fence for h in changed if self._holdings.get(h.claim.job_id) is not h]:
                lifecycle.close_attempts(over)


def _is_frozen(holding: Holding) -> bool:
    return holding.executor is not None and holding.executor.frozen_since is not None
