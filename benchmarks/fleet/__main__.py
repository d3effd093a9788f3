"""Runs fleets of every size and prints what becomes of their servers."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ..report.results import load, percentile
from ..report.table import number
from .fleet import Simulation
from .model import Costs, Fleet

_SIZES = (1, 4, 16, 64, 250, 1000)
_KEPT = Path(__file__).with_name("costs.json")
_HEAD = [
    "workers",
    "connections",
    "jobs/s",
    "pruned/s",
    "PostgreSQL",
    "Redis",
    "flushes/s",
    "WAL MB/s",
    "p50 / p99 ms",
    "what PostgreSQL does",
]
# So many jobs make a percentile.
_ENOUGH = 300

_QUESTIONS: dict[str, Callable[[int], Fleet]] = {
    "Idle: what signs of life alone cost": lambda n: Fleet(workers=n, arrivals=0),
    "Backlog of jobs of 1 ms that write nothing": lambda n: Fleet(workers=n, job=0.001, writes=False),
    "Backlog of jobs of 100 ms that write": lambda n: Fleet(workers=n, job=0.1),
    "Backlog of jobs of 10 s that write": lambda n: Fleet(workers=n, job=10.0),
    "Half busy, jobs of 100 ms that write": lambda n: Fleet(workers=n, job=0.1, arrivals=n * 4 / 0.1 / 2),
    "Half busy, jobs of 10 s that write": lambda n: Fleet(workers=n, job=10.0, arrivals=n * 4 / 10 / 2),
}


def main() -> None:
    """Print a table for each question."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=main.__doc__)
    parser.add_argument(
        "--costs", type=Path, help="a file of var/bench with the scenario costs; else the one kept here"
    )
    parser.add_argument("--keep", action="store_true", help="keep those costs as the ones to reckon with")
    parser.add_argument("--seconds", type=float, default=20, help="of simulated time, at least (default: 20)")
    parser.add_argument("--most", type=int, default=max(_SIZES), help="leave larger fleets out")
    asked = parser.parse_args()
    if asked.costs is None and not _KEPT.exists():
        parser.error("No costs are kept yet: measure them by make bench ONLY=costs, and name the file: --costs FILE.")
    measured = json.loads(_KEPT.read_text()) if asked.costs is None else load(asked.costs).median("costs")
    if asked.keep:
        _KEPT.write_text(json.dumps({name: round(value, 4) for name, value in measured.items()}, indent=1) + "\n")
    for title, fleet in _QUESTIONS.items():
        print(f"\n### {title}\n\n| {' | '.join(_HEAD)} |\n|{'--:|' * (len(_HEAD) - 1)}---|")
        for size in _SIZES:
            if size <= asked.most:
                print(f"| {' | '.join(_row(fleet(size), measured, asked.seconds))} |", flush=True)


def _row(fleet: Fleet, measured: Mapping[str, float], least: float) -> list[str]:
    simulation = Simulation(fleet, Costs(measured))
    simulation.run(5 + 2 * fleet.job)  # What happens while a fleet starts is not asked.
    seconds = max(least, _ENOUGH / fleet.arrivals if fleet.arrivals else 0.0)
    simulation.run(seconds)
    spent = simulation.postgres.spent
    shares = ", ".join(f"{name} {used / spent.total():.0%}" for name, used in spent.most_common(4))
    waits = [wait * 1000 for wait in simulation.latencies] if fleet.arrivals else []
    return [
        f"{fleet.workers:,}",
        f"{fleet.connections:,}",
        number(simulation.done / seconds),
        number(simulation.pruned / seconds),
        f"{spent.total() / seconds / fleet.cores:.1%}",
        f"{simulation.redis.spent.total() / seconds:.1%}",
        number(simulation.log.flushes / seconds),
        number(simulation.wal / seconds / 1e6),
        f"{percentile(waits, 0.5):.0f} / {percentile(waits, 0.99):.0f}" if waits else "–",
        shares,
    ]


if __name__ == "__main__":
    main()
