"""What this worker has claimed and not yet ended; its threads share it, and read or replace whole values only."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from ..fence import Fence
from ..lifecycle import Claim
from .bookkeeper import Bookkeeper

if TYPE_CHECKING:
    from .crew import Executor


@dataclass(slots=True)
class Holding:
    """A claim of ours.

    `fence` is what every write about it names; `renewals` counts how often it was renewed; `serial` is its number at
    its executor; `since` is when it was asked for, on the monotonic clock.
    """

    claim: Claim
    fence: Fence
    since: float
    executor: Executor | None = None
    serial: int = 0
    renewals: int = 0
    progress: dict[str, object] | None = None
    recorded: tuple[int, object] = field(default=(0, None))

    @property
    def pid(self) -> int | None:
        """The pid of the executor that has it."""
        return self.executor.pid if self.executor else None


class Holdings:
    """The claims of this worker by job id, and the books in which it is counted what becomes of them.

    Every method is one step for the interpreter, so it needs no lock.
    """

    def __init__(self, books: Bookkeeper | None = None) -> None:
        self.books = books or Bookkeeper()
        self._by_id: dict[UUID, Holding] = {}

    def add(self, claim: Claim, *, since: float | None = None) -> Holding:
        """Note a claim, and when it was asked for; now, if it is not said."""
        asked = time.monotonic() if since is None else since
        holding = self._by_id[claim.job_id] = Holding(claim, claim.fence, asked)
        return holding

    def get(self, job_id: UUID) -> Holding | None:
        """Return what is held of a job."""
        return self._by_id.get(job_id)

    def drop(self, job_id: UUID) -> Holding | None:
        """Forget a claim that is over."""
        return self._by_id.pop(job_id, None)

    def all(self) -> list[Holding]:
        """Return a snapshot."""
        return list(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)
