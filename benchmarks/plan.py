"""What a run was asked for."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plan:
    """rounds: how often all is measured. scale: multiplies numbers of jobs. only, queues: names, all when empty."""

    rounds: int
    scale: float
    peers: bool
    only: frozenset[str]
    queues: frozenset[str]
    publish: bool

    def jobs(self, count: int) -> int:
        """Return how many jobs stand for that many at the scale of this run."""
        return max(20, round(count * self.scale))

    def wants(self, scenario: str) -> bool:
        """Return whether a scenario is to be measured."""
        return not self.only or scenario in self.only

    def includes(self, queue: str) -> bool:
        """Return whether a queue is to be measured."""
        return not self.queues or queue in self.queues


def parse(scenarios: list[str]) -> Plan:
    """Read the command line; environment variables of the same names are what flags default to."""
    env = os.environ.get
    parser = argparse.ArgumentParser(prog="make bench", description="Measure jobqueue on servers of its own.")
    parser.add_argument("--rounds", type=int, default=int(env("ROUNDS") or 3), help="medians of so many (default: 3)")
    parser.add_argument("--peers", action="store_true", default=env("PEERS") == "1", help="measure other queues too")
    parser.add_argument("--only", default=env("ONLY") or "", help=f"some scenarios, as in a,b: {', '.join(scenarios)}")
    parser.add_argument("--queues", default=env("QUEUES") or "", help="some queues, as in a,b")
    parser.add_argument("--scale", type=float, default=float(env("SCALE") or 1), help="0.05 is a quick try")
    parser.add_argument("--publish", action="store_true", help="write docs/performance.md's tables and plot")
    asked = parser.parse_args()
    only = _names(asked.only)
    if unknown := only - set(scenarios):
        parser.error(f"unknown scenario: {', '.join(sorted(unknown))}. Known: {', '.join(scenarios)}.")
    return Plan(
        rounds=max(1, asked.rounds),
        scale=asked.scale,
        peers=asked.peers,
        only=only,
        queues=_names(asked.queues),
        publish=asked.publish,
    )


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())
