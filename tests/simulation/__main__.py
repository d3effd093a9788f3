"""`make simulate N=10000`: runs that many seeds and says how far they got; `SEED=4711` runs one and tells its story."""

from __future__ import annotations

import argparse
import os
import sys

from tests.simulation.bulk import run, set_up


def main() -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("-n", type=int, default=10_000, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many processes share them")
    parser.add_argument("--seed", type=int, help="run this one alone, and tell its story")
    asked = parser.parse_args()
    return _tell(asked.seed) if asked.seed is not None else run(asked.first, asked.n, asked.jobs)


def _tell(seed: int) -> int:
    set_up()
    from tests.simulation.draw import random_plan
    from tests.simulation.stage import stage

    plan = random_plan(seed)
    with stage() as theatre:
        simulation, error = theatre.attempt(plan)
    print(simulation.world.story())
    print(plan)
    print(f"Seed {seed}: {error or 'every promise was kept'}.")
    return int(error is not None)


if __name__ == "__main__":
    sys.exit(main())
