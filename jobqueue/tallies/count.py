"""What is counted of one task in one queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Self

from .histogram import BUCKETS, added, bucket

NUMBERS = ("succeeded", "failed", "raised", "crashed", "renewed", "rescued", "refused")


class Key(NamedTuple):
    """Of what it is counted; the texts are empty where that is not known."""

    backend: str
    queue: str = ""
    task_path: str = ""


@dataclass(slots=True)
class Count:
    """Numbers, and histograms of how long jobs waited and ran.

    succeeded, failed: jobs that ended so. raised: attempts that raised and whose job will be tried again. crashed:
    attempts whose process died. renewed: signs of life of running jobs. rescued: jobs of dead workers. refused: late
    writes that the database refused.
    """

    succeeded: int = 0
    failed: int = 0
    raised: int = 0
    crashed: int = 0
    renewed: int = 0
    rescued: int = 0
    refused: int = 0
    waits: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    runs: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    @property
    def ended(self) -> int:
        """How many jobs ended."""
        return self.succeeded + self.failed

    def waited(self, seconds: float, times: int = 1) -> None:
        """Count jobs that were claimed so long after they were due."""
        self.waits[bucket(seconds)] += times

    def ran(self, seconds: float) -> None:
        """Count an attempt that took so long."""
        self.runs[bucket(seconds)] += 1

    def add(self, other: Count) -> Self:
        """Add what was counted elsewhere, and return the sum."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.waits, self.runs = added(self.waits, other.waits), added(self.runs, other.runs)
        return self
