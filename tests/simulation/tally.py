"""How far simulations got: what `make simulate` prints, and what the documents quote."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from jobqueue.points import POINTS
from tests.simulation.run import Simulation


@dataclass
class Tally:
    """The sum of many runs."""

    began: float = field(default_factory=time.perf_counter)
    schedules: int = 0
    steps: int = 0
    commits: int = 0
    virtual_seconds: float = 0.0
    states: set[bytes] = field(default_factory=set)
    struck: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)

    def add(self, simulation: Simulation) -> None:
        """Count a run."""
        self.schedules += 1
        self.steps += simulation.world.steps
        self.commits += simulation.watch.commits
        self.virtual_seconds += simulation.world.now
        self.states |= simulation.watch.states
        self.struck += simulation.faults.struck
        self.jobs += Counter(f"{row.status} {row.outcome}" for row in simulation.watch.rows.values())
        self.points.update(what for _, who, what in simulation.world.trace if what in POINTS)

    def merge(self, other: Tally) -> None:
        """Count what another process has run."""
        self.schedules += other.schedules
        self.steps += other.steps
        self.commits += other.commits
        self.virtual_seconds += other.virtual_seconds
        self.states |= other.states
        for mine, theirs in ((self.struck, other.struck), (self.jobs, other.jobs), (self.points, other.points)):
            mine.update(theirs)

    def __str__(self) -> str:
        seconds = time.perf_counter() - self.began
        lines = [
            f"{self.schedules:,} schedules in {seconds:.0f} s, {1000 * seconds / max(1, self.schedules):.1f} ms each",
            f"{self.steps:,} steps, {self.commits:,} commits, {len(self.states):,} distinct states",
            f"{self.virtual_seconds / 3600:.1f} hours of virtual time",
            f"jobs: {_list(self.jobs)}",
            f"faults: {sum(self.struck.values()):,} of {len(self.struck)} kinds: {_list(self.struck)}",
            f"points: {self._points()}",
        ]
        return "\n".join(lines)

    def _points(self) -> str:
        never = sorted(POINTS.keys() - self.points.keys())
        rarest = ", ".join(f"{name} {number:,}" for name, number in self.points.most_common()[:-6:-1])
        return (
            f"{len(self.points)} of {len(POINTS)} were passed, the rarest: {rarest}; "
            f"never: {', '.join(never) or 'none'}"
        )


def _list(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in sorted(counted.items()))
