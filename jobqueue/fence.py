"""The fence: what makes one claim of one job different from every other claim that ever was."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID


class Fence(NamedTuple):
    """One claim of one job.

    `attempt` only rises and `token` is fresh with every claim. The pair (job, token) never repeats, not even after a
    failover to an older state of the database, where a number could.
    """

    job_id: UUID
    attempt: int
    token: UUID
