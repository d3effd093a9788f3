"""The names of everything jobqueue keeps in Redis, and the form of a lease's holder.

=============================  =====================================================================================
``{prefix}:lease:<job id>``    hash with a TTL: ``holder`` = ``attempt:token:worker``, ``renewals``, ``pid``
``{prefix}:epoch``             when this memory began, milliseconds by the server's clock; no TTL
``{prefix}:wake:<queue>``      list of hints that something was enqueued; bounded, with a TTL
=============================  =====================================================================================

One script touches several keys, so all have to be on one server: Redis Cluster is not supported (docs/scale.md).
"""

from __future__ import annotations

import re
from typing import NamedTuple
from uuid import UUID

from ..fence import Fence

# In bytes: an attempt of 10 digits, a token of 32, and a worker's id of 128 characters.
LONGEST_HOLDER = 10 + 1 + 32 + 1 + 4 * 128
_HOLDER = re.compile(r"([0-9]{1,10}):([0-9a-f]{32}):([^\0]{1,128})")


class Keys(NamedTuple):
    """Names the keys of one backend."""

    prefix: str

    def lease(self, job_id: UUID) -> str:
        """Return the key of the lease of a job."""
        return f"{self.prefix}:lease:{job_id.hex}"

    def epoch(self) -> str:
        """Return the key that is missing when the server forgot everything."""
        return f"{self.prefix}:epoch"

    def wake(self, queue: str) -> str:
        """Return the list on which workers of a queue wait; "*" is for workers that serve any queue."""
        return f"{self.prefix}:wake:{queue}"


class Holder(NamedTuple):
    """Who holds a lease."""

    attempt: int
    token: UUID
    worker_id: str


def holder(fence: Fence, worker_id: str) -> str:
    """Return the holder of a lease as it is stored."""
    return f"{fence.attempt}:{fence.token.hex}:{worker_id}"


def parse_holder(value: bytes) -> Holder | None:
    """Return who a stored value names, None when it is not one of ours."""
    match = _HOLDER.fullmatch(value.decode(errors="replace"))
    return Holder(int(match[1]), UUID(match[2]), match[3]) if match else None
