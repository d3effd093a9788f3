"""Every way in which two workers, one job, a few crashes and a flush can come together at the places of `PLACES`.

A run is repeated from its beginning for every choice that was not made yet: to go on, to crash the worker or the
executor that is there, to have Redis forget everything, or to let another actor that could go on go first. Where a
state was met before, with as many crashes and flushes left, what follows from it has been seen, and the run ends.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.plan import Plan
from tests.simulation.run import Simulation
from tests.simulation.stage import Stage
from tests.simulation.world import Actor

PLACES = frozenset(
    (
        "claim.after",
        "lease.after-acquire",
        "hand.after",
        "run.before",
        "run.before-begin",
        "fence.before",
        "fence.after",
        "fence.committed",
        "report.after",
        "lease.before-release",
        "lease.after-release",
        "settle.after-verb",
        "release.before-commit",
        "rescue.before",
        "rescue.locked",
        "rescue.before-commit",
        "rescue.after",
        "lease.after-renew",
    )
)
# Whose order matters to a job; the others look at clocks and shared memory alone.
_ROLES = frozenset(("main", "executor", "keeper"))


class Seen(Exception):
    """What follows from this state is known."""


class Midway(Random):
    """Draws no lots: else the order of events would change the rhythm of the keepers."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@dataclass
class Search:
    """A search, and what it has found."""

    plan: Plan
    crashes: int
    flushes: int
    states: set[int] = field(default_factory=set)
    ends: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    choices: int = 0

    def run(self, stage: Stage) -> None:
        """Search until nothing is left to be tried; raises Violation."""
        untried: list[list[int]] = [[]]
        while untried:
            path = Path(self, untried.pop())
            simulation, error = stage.attempt(self.plan, path.follow)
            self.runs += 1
            if error is not None and not isinstance(error, Seen):
                print(simulation.world.story())
                raise error
            if error is None:
                self.ends.update(f"{row.status} {row.outcome}" for row in simulation.watch.rows.values())
            taken = path.taken
            for number in range(len(path.given), len(taken)):
                untried += [[*taken[:number], other] for other in range(1, path.open[number])]

    def __str__(self) -> str:
        ends = ", ".join(f"{end} {number:,}" for end, number in sorted(self.ends.items()))
        return f"{len(self.states):,} states, {self.choices:,} choices, {self.runs:,} runs; ends: {ends}"


class Path:
    """One run: choices that are given, and from there on the first one each time."""

    def __init__(self, search: Search, given: list[int]) -> None:
        self._search, self.given = search, given
        self.taken: list[int] = []
        self.open: list[int] = []
        self._crashes, self._flushes = search.crashes, search.flushes
        self._simulation: Simulation

    def follow(self, simulation: Simulation) -> None:
        """Make the choices of a run that is about to begin."""
        self._simulation = simulation
        simulation.world.ids = Midway(1)
        simulation.world.choose = self._at

    def _at(self, actor: Actor, place: str) -> bool:
        """Choose, and return whether another goes first."""
        simulation = self._simulation
        if simulation.calm or not (place in PLACES or self._judges(actor, place)):
            return False
        while actor.process.alive:
            others = [other for other in simulation.world.ready if other.role in _ROLES and other is not actor]
            deeds = self._deeds(actor)
            choice = self._choose(actor, place, 1 + len(deeds) + len(others))
            if choice == 0:
                return False
            if choice > len(deeds):
                first = others[choice - len(deeds) - 1]
                simulation.world.note(f"── {first.name} goes first")
                simulation.world.ready.remove(first)
                simulation.world.ready.insert(0, first)
                return True
            self._do(deeds[choice - 1], actor)
        return True

    def _judges(self, actor: Actor, place: str) -> bool:
        """Return whether a keeper is about to ask Redis about a job whose owner is dead."""
        workers = self._simulation.workers
        return (
            place == "redis script"
            and actor.role == "keeper"
            and any(
                row.status == "RUNNING" and row.worker_id in workers and not workers[row.worker_id].process.alive
                for row in self._simulation.watch.rows.values()
            )
        )

    def _deeds(self, actor: Actor) -> list[str]:
        deeds = ["flush"] if self._flushes else []
        if self._crashes:
            deeds += ["crash worker", "crash executor"] if actor.role == "executor" else ["crash worker"]
        return deeds

    def _do(self, deed: str, actor: Actor) -> None:
        simulation = self._simulation
        simulation.world.note(f"── {deed}")
        simulation.faults.struck[deed] += 1
        if deed == "flush":
            self._flushes -= 1
            simulation.redis.values.clear()
            simulation.redis.ends.clear()
            return
        self._crashes -= 1
        process = actor.process
        worker = process.parent or process
        simulation.kill(worker if deed == "crash worker" else process, with_children=True)

    def _choose(self, actor: Actor, place: str, number: int) -> int:
        search = self._search
        step = len(self.taken)
        if step < len(self.given):
            choice = self.given[step]
        else:
            choice = 0
            state = hash((actor.name, place, self._state()))
            if state in search.states:
                self._simulation.world.failed(Seen())
                return 0
            search.states.add(state)
            search.choices += number
        self.taken.append(choice)
        self.open.append(number)
        return choice

    def _state(self) -> tuple[Any, ...]:
        """Return all that what follows depends on: the stores, the processes and what they hold, messages, the time."""
        simulation = self._simulation
        world, redis = simulation.world, simulation.redis
        rows = tuple(
            (r.status, r.outcome, r.attempt, r.crashes, r.failures, r.worker_id) for r in simulation.watch.rows.values()
        )
        entries = tuple(sorted(step for done in simulation.watch.entries.values() for step in done.elements()))
        values = tuple(
            (
                key.split(":")[-2],
                value.get("holder", "")[:2] if isinstance(value, dict) else len(value),
                round(redis.ends.get(key, 0.0) - redis.now(), -1),
            )
            for key, value in redis.values.items()
        )
        processes = tuple(
            (p.name, tuple((a.name, a.place) for a in p.actors if a.alive), tuple(len(end.inbox) for end in p.ends))
            for p in world.processes
            if p.alive
        )
        held = tuple(
            (w.process.name, tuple(h.claim.attempt for h in w.supervisor._holdings.all()), w.supervisor._settler.owes())
            for w in simulation.workers.values()
            if w.process.alive
        )
        ready = tuple(sorted(actor.name for actor in world.ready))
        return rows, entries, values, processes, held, ready, round(world.now, 3), self._crashes, self._flushes
