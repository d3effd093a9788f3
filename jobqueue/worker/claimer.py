"""Claims due jobs and takes their leases: when to look, in which queues, and for how many."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .. import lifecycle
from ..conf import Options
from ..database import connection
from ..leases import Grant, Leases, LeasesUnavailable
from ..lifecycle import Claim
from ..limits import Policies
from ..points import reached
from ..queues import Queues
from .holdings import Holdings
from .limited import LimitedJobs
from .registration import Identity
from .settler import Settler

_POLL_WITHOUT_HINTS = 0.25
_POLL_WITH_HINTS = 2.0


class Claimer:
    """Claims for one worker."""

    def __init__(
        self,
        identity: Identity,
        paths: Sequence[str],
        queues: Queues,
        holdings: Holdings,
        settler: Settler,
        leases: Leases | None,
        options: Options,
        *,
        hinted: Callable[[], bool],
        policies: Policies | None = None,
    ) -> None:
        self._identity = identity
        self._paths = list(paths)
        self._queues = queues
        self._holdings = holdings
        self._settler = settler
        self._leases = leases
        self._options = options
        self._hinted = hinted
        self._limited = LimitedJobs(identity.backend, identity.id, policies or Policies(), self._paths)
        self._next_look = 0.0
        self._wakes = 0
        self._nothing_due = False

    def look_now(self) -> None:
        """Have the next look come at once: something may be due. Safe in any thread."""
        self._wakes += 1
        self._next_look = 0.0

    def nothing_due(self) -> bool:
        """Return whether the last look found nothing more, and nobody said since that there is."""
        return self._nothing_due and self.wait_seconds() > 0 and not self._limited.soon()

    def wait_seconds(self) -> float:
        """Return in how many seconds to look again."""
        return max(0.0, self._next_look - time.monotonic())

    def claim(self, room: int) -> list[Claim]:
        """Claim up to that many jobs and take their leases, when it is time to look; raises DatabaseError."""
        if room < 1 or self.wait_seconds() > 0:
            return []
        # From before it is asked: who freezes on the way to the answer may not have had it since.
        wakes, asked = self._wakes, time.monotonic()
        claims = self._claim(room)
        if claims:
            reached("claim.after")
        self._nothing_due = len(claims) < room
        pause = self._pause(idle=not claims) if self._nothing_due else 0.0
        if wakes == self._wakes:  # Else somebody woke us while we looked.
            self._next_look = time.monotonic() + pause
        for claim in claims:
            self._holdings.add(claim, since=asked)
        self._holdings.books.claimed(claims)
        return self._leased(claims)

    def _claim(self, room: int) -> list[Claim]:
        claims, empty = list[Claim](), set[str]()
        self._limited.begin()
        for queue, most in self._queues.portions(self._names(), room):
            limit = min(most, room - len(claims))
            if limit < 1:
                break
            if queue in empty:
                continue
            reached("claim.before")
            found = self._limited.claim(queue, limit, self._claim_free)
            if len(found) < limit:
                empty.add(queue)
            claims += found
        return claims

    def _claim_free(self, queue: str, limit: int) -> list[Claim]:
        return lifecycle.claim(
            connection(),
            backend=self._identity.backend,
            queue=queue,
            paths=self._paths,
            worker_id=self._identity.id,
            limit=limit,
        )

    def _names(self) -> list[str]:
        if self._queues.names is not None:
            return self._queues.names
        ready = lifecycle.ready_queues(connection(), self._identity.backend)
        return self._queues.among([*ready, *self._limited.queues()])

    def _pause(self, *, idle: bool) -> float:
        most = self._limited.pause(_POLL_WITH_HINTS if self._hinted() else _POLL_WITHOUT_HINTS)
        if not idle:
            return most
        due = lifecycle.next_due(self._identity.backend, self._queues.names or ())
        # What is due already and was not claimed is paused, unknown here or locked: no reason to hurry, and next_due()
        # leaves it out. 0 is a job that becomes due this very moment.
        return most if due is None else min(most, max(due, 0.001))

    def _leased(self, claims: list[Claim]) -> list[Claim]:
        """Return the claims whose lease was granted, all of them when Redis is out of reach; hand back the others."""
        if self._leases is None or not claims:
            return claims
        try:
            grants = self._leases.acquire([claim.fence for claim in claims], self._identity.id)
        except LeasesUnavailable:
            return claims
        refused = {grant.fence: grant for grant in grants if not grant.held}
        for fence, grant in refused.items():
            self._refuse(fence.job_id, grant)
        return [claim for claim in claims if claim.fence not in refused]

    def _refuse(self, job_id: object, grant: Grant) -> None:
        """Hand a job back whose lease is another's: an owner the database has forgotten may still be running it."""
        holding = self._holdings.get(grant.fence.job_id)
        if holding is not None:
            self._settler.hand_back(holding, delay=grant.ttl)
