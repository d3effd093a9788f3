"""What is known of one chapter when everything is quiet: from the database, the outside observer, and the history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from .claims import Claim
from .history import Line

SUCCESSFUL, FAILED = "SUCCESSFUL", "FAILED"


class Seen(NamedTuple):
    """A job's row as the observer saw it last."""

    id: str
    number: str
    status: str
    outcome: str
    attempt: int
    token: str
    crashes: int
    worker: str
    finished_at: str
    result: object
    started_at: str = ""

    @property
    def finished(self) -> bool:
        """Whether the job has ended."""
        return self.status in (SUCCESSFUL, FAILED)

    @property
    def began(self) -> float:
        """When its last claim was made, in seconds."""
        return datetime.fromisoformat(self.started_at).timestamp()

    @property
    def ended(self) -> float:
        """When it ended, in seconds."""
        return datetime.fromisoformat(self.finished_at).timestamp()

    def __str__(self) -> str:
        return (
            f"{self.number} ({self.id}): {self.status} {self.outcome}, attempt {self.attempt}, {self.crashes} crashes"
        )


class Effect(NamedTuple):
    """What a job did, under a claim."""

    number: str
    step: str
    job: str
    token: str


@dataclass(slots=True, kw_only=True)
class Facts:
    """All of it. `retried` and `cancelled` are the deeds of operators, by job; `again`, by number, that they had
    something delivered again.

    claims: of the jobs of which only so many may run at once.
    delivered: the keys under which something arrived outside, by number, each as often as it did.
    ticks: the jobs of the schedule, by their moments.
    clock: what is to be added to the time of a line to have that of the database, in seconds.
    """

    jobs: dict[str, Seen]
    effects: Sequence[Effect]
    counters: dict[int, int]
    lines: Sequence[Line]
    retried: Counter[str] = field(default_factory=Counter)
    cancelled: set[str] = field(default_factory=set)
    again: Counter[str] = field(default_factory=Counter)
    claims: Sequence[Claim] = ()
    delivered: dict[str, list[str]] = field(default_factory=dict)
    ticks: dict[datetime, str] = field(default_factory=dict)
    clock: float = 0.0
