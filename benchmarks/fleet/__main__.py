"""Runs fleets of every size and prints what becomes of their servers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..report.results import load, percentile
from ..report.table import number
from .fleet import Simulation
from .model import Costs, Fleet

_SIZES = (1, 4, 16, 64, 250, 1000)
_KEPT = Path(__file__).with_name("costs.json")
_HEAD = ["workers", "jobs/s", "PostgreSQL", "Redis", "flushes/s", "p50 / p99 ms", "what PostgreSQL does"]

_QUESTIONS = {
    "Idle: what signs of life alone cost": lambda n: Fleet(workers=n, arrivals=0.01),
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
    parser.add_argument("--seconds", type=float, default=20, help="of simulated time (default: 20)")
    asked = parser.parse_args()
    measured = json.loads(_KEPT.read_text()) if asked.costs is None else load(asked.costs).median("costs")
    if asked.keep:
        _KEPT.write_text(json.dumps({name: round(value, 4) for name, value in measured.items()}, indent=1) + "\n")
    for title, fleet in _QUESTIONS.items():
        print(f"\n### {title}\n\n| {' | '.join(_HEAD)} |\n|{'--:|' * (len(_HEAD) - 1)}---|")
        for size in _SIZES:
            print(f"| {' | '.join(_row(fleet(size), Costs(measured), asked.seconds))} |", flush=True)


def _row(fleet: Fleet, costs: Costs, seconds: float) -> list[str]:
    simulation = Simulation(fleet, costs)
    start = 5 + 2 * fleet.job  # What happens while a fleet starts is not asked.
    simulation.world.run(until=start)
    simulation.postgres.spent.clear()
    simulation.redis.spent.clear()
    simulation.latencies.clear()
    done, flushes = simulation.done, simulation.log.flushes
    simulation.world.run(until=start + seconds)
    spent = simulation.postgres.spent
    busy = spent.total() / seconds / fleet.cores
    shares = ", ".join(f"{name} {used / spent.total():.0%}" for name, used in spent.most_common(4))
    waits = [wait * 1000 for wait in simulation.latencies] if fleet.arrivals else []
    return [
        f"{fleet.workers:,}",
        number((simulation.done - done) / seconds),
        f"{busy:.0%}",
        f"{simulation.redis.spent.total() / seconds:.0%}",
        number((simulation.log.flushes - flushes) / seconds),
        f"{percentile(waits, 0.5):.0f} / {percentile(waits, 0.99):.0f}" if waits else "–",
        shares,
    ]


if __name__ == "__main__":
    main()
