"""A run: rounds of every scenario, the queues in turn within each, so that what the machine does hits all alike."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import time

from .about import about
from .house import House, house
from .place import Place
from .plan import Plan, parse
from .processes import Stuck
from .report import publish, table
from .report.results import Results
from .scenarios import SCENARIOS, Scenario
from .servers.programs import Missing


def main() -> int:
    """Measure, show, keep, and publish if asked to; return 1 when something went wrong."""
    plan = parse(list(SCENARIOS))
    # Ended by a signal, a run still stops its servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with house() as home:
            places = home.places(plan)
            results = Results(about(plan, places[0], _command()))
            with contextlib.suppress(KeyboardInterrupt):
                _run(plan, home, places, results)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    print(f"\n{table.text(results)}\n\nKept in {results.save()}")
    if plan.publish:
        publish.write(results)
    return 1 if results.missing else 0


def _run(plan: Plan, home: House, places: list[Place], results: Results) -> None:
    extra: dict[str, Place] = {}
    for number in range(plan.rounds):
        for name, scenario in SCENARIOS.items():
            if not plan.wants(name) or (scenario.once and number):
                continue
            turn = number % len(places)
            for place in _places(name, scenario, home, places[turn:] + places[:turn], extra, results):
                _measure(name, scenario, place, plan, results, number)


def _places(
    name: str, scenario: Scenario, home: House, places: list[Place], extra: dict[str, Place], results: Results
) -> list[Place]:
    if scenario.place is None:
        return [place for place in places if scenario.peers or place.queue.name == "jobqueue"]
    if name not in extra and name not in results.missing:
        try:
            extra[name] = scenario.place(home)
        except Missing as missing:
            results.missing[name] = str(missing)
            print(f"{name} is left out. {missing}", file=sys.stderr)
    return [extra[name]] if name in extra and any(place.queue.name == "jobqueue" for place in places) else []


def _measure(name: str, scenario: Scenario, place: Place, plan: Plan, results: Results, number: int) -> None:
    began = time.monotonic()
    try:
        figures = scenario.measure(place, plan)
    except Stuck as stuck:
        results.missing[f"{name}, {place.queue.name}"] = str(stuck)
        print(f"round {number + 1}  {name:13} {place.queue.name:16} FAILED: {stuck}", file=sys.stderr, flush=True)
        return
    results.add(name, place.queue.name, figures)
    took = f"{time.monotonic() - began:5.0f} s"
    print(f"round {number + 1}  {name:13} {place.queue.name:16} {took}  {table.line(figures)}", flush=True)


def _command() -> str:
    named = [
        f"{name}={os.environ[name]}" for name in ("PEERS", "ROUNDS", "ONLY", "QUEUES", "SCALE") if name in os.environ
    ]
    return shlex.join(["make", "bench", *named, *([f"ARGS={shlex.join(sys.argv[1:])}"] if sys.argv[1:] else [])])


if __name__ == "__main__":
    sys.exit(main())
