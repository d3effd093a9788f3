"""Carries out the faults of a plan when somebody gets to their place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.plan import Fault
from tests.simulation.world import Actor, Process

if TYPE_CHECKING:
    from tests.simulation.run import Simulation

_Act = Callable[["Simulation", Actor | None, float], None]


class Faults:
    """The faults that are still to come."""

    def __init__(self, simulation: Simulation, faults: tuple[Fault, ...]) -> None:
        self._simulation = simulation
        self.struck: Counter[str] = Counter()
        self._at: dict[str, list[list[object]]] = {}
        self.over_at = 0.0
        for fault in faults:
            if isinstance(fault.where, str):
                self._at.setdefault(fault.where, []).append([fault, fault.nth])
            else:
                simulation.world.call_at(fault.where, lambda fault=fault: self.strike(fault, None))  # type: ignore[misc]

    def on_place(self, actor: Actor, place: str) -> None:
        """See whether this is where something goes wrong."""
        waiting = self._at.get(place)
        if not waiting:
            return
        for entry in list(waiting):
            fault: Fault = entry[0]  # type: ignore[assignment]
            if fault.by and actor.role != fault.by:
                continue
            entry[1] -= 1  # type: ignore[operator]
            if entry[1] == 0:
                waiting.remove(entry)
                self.strike(fault, actor)

    def strike(self, fault: Fault, actor: Actor | None) -> None:
        """Let it go wrong."""
        if self._simulation.calm:
            return
        self.struck[fault.what] += 1
        lasts = 0.0 if fault.what.endswith("-clock") else fault.amount
        self.over_at = max(self.over_at, self._simulation.world.now + lasts)
        self._simulation.world.note(f"── {fault.what} {fault.amount or ''}".rstrip())
        _ACTS[fault.what](self._simulation, actor, fault.amount)

    def end(self) -> None:
        """Let nothing more go wrong."""
        self.over_at = self._simulation.world.now
        self._at.clear()


def _process(simulation: Simulation, actor: Actor | None) -> Process:
    """Return the process that a fault is about: the one that is there, or any that lives."""
    if actor is not None:
        return actor.process
    alive = [p for p in simulation.world.processes if p.alive and p.name.startswith("w")]
    return simulation.world.rng.choice(alive) if alive else simulation.world.processes[0]


def _worker(simulation: Simulation, actor: Actor | None) -> Process:
    process = _process(simulation, actor)
    return process.parent or process


def _kill(simulation: Simulation, actor: Actor | None, _amount: float) -> None:
    process = _process(simulation, actor)
    simulation.kill(process, with_children=True)


def _kill_worker(simulation: Simulation, actor: Actor | None, _amount: float) -> None:
    simulation.kill(_worker(simulation, actor), with_children=True)


def _kill_worker_alone(simulation: Simulation, actor: Actor | None, _amount: float) -> None:
    worker = _worker(simulation, actor)
    simulation.kill(worker, with_children=False)
    # Its executors find out when they read that nobody is there any more, and those that starve only by the kernel.
    for executor in worker.children:
        if executor.is_held() and not executor.stopped:
            executor.die(-9)


def _freeze(simulation: Simulation, actor: Actor | None, amount: float) -> None:
    _process(simulation, actor).hold(amount, stopped=True)


def _freeze_worker(simulation: Simulation, actor: Actor | None, amount: float) -> None:
    _worker(simulation, actor).hold(amount, stopped=True)


def _freeze_group(simulation: Simulation, actor: Actor | None, amount: float) -> None:
    worker = _worker(simulation, actor)
    # They need not thaw in the same moment.
    late = simulation.world.rng.choice((0.0, 0.0, 0.3))
    for process in (worker, *worker.children):
        process.hold(amount + late * (process is worker), stopped=True)


def _stall(simulation: Simulation, actor: Actor | None, amount: float) -> None:
    if actor is not None:
        simulation.watch.note_stall(actor, amount)
        simulation.world.wait([], amount, deaf=True)


def _sigterm(simulation: Simulation, actor: Actor | None, _amount: float) -> None:
    simulation.stop(_worker(simulation, actor))


def _fate(fate: str) -> _Act:
    def act(simulation: Simulation, actor: Actor | None, amount: float) -> None:
        if actor is not None:
            actor.fate = fate

    return act


def _late(commits: bool) -> _Act:
    def act(simulation: Simulation, actor: Actor | None, amount: float) -> None:
        if actor is None:
            return
        actor.fate = "late"

        def land() -> None:
            for session in list(simulation.server.sessions):
                if session.actor is actor:
                    session.land_late(commits=commits)

        simulation.world.call_at(simulation.world.now + amount, land)

    return act


def _database_down(simulation: Simulation, _actor: Actor | None, amount: float) -> None:
    simulation.server.down_until = simulation.world.now + amount
    simulation.server.cut()


def _database_cut(simulation: Simulation, actor: Actor | None, amount: float) -> None:
    worker = _worker(simulation, actor)
    for process in (worker, *worker.children):
        process.own["cut until"] = simulation.world.now + amount
    simulation.server.cut(lambda session: (session.actor.process.parent or session.actor.process) is worker)


def _hang_up(simulation: Simulation, _actor: Actor | None, _amount: float) -> None:
    simulation.server.cut()


def _database_clock(simulation: Simulation, _actor: Actor | None, amount: float) -> None:
    simulation.server.clock += amount
    simulation.server.clock_was_set = True


def _redis_flush(simulation: Simulation, _actor: Actor | None, _amount: float) -> None:
    simulation.redis.values.clear()
    simulation.redis.ends.clear()


def _redis_down(simulation: Simulation, _actor: Actor | None, amount: float) -> None:
    simulation.redis_down_until = simulation.world.now + amount


def _redis_cut(simulation: Simulation, actor: Actor | None, amount: float) -> None:
    _worker(simulation, actor).own["redis cut until"] = simulation.world.now + amount


def _redis_full(simulation: Simulation, _actor: Actor | None, amount: float) -> None:
    redis = simulation.redis
    redis.full = True
    simulation.world.call_at(simulation.world.now + amount, lambda: setattr(redis, "full", False))


def _redis_clock(simulation: Simulation, _actor: Actor | None, amount: float) -> None:
    simulation.redis.clock += amount


def _people(verb: str) -> _Act:
    return lambda simulation, _actor, _amount: simulation.ask_admin(verb)


def _failover(simulation: Simulation, _actor: Actor | None, amount: float) -> None:
    simulation.server.keep()
    simulation.world.call_at(simulation.world.now + amount, simulation.fail_over)


_ACTS: dict[str, _Act] = {
    "kill": _kill,
    "kill-worker": _kill_worker,
    "kill-worker-alone": _kill_worker_alone,
    "freeze": _freeze,
    "freeze-worker": _freeze_worker,
    "freeze-group": _freeze_group,
    "stall": _stall,
    "sigterm": _sigterm,
    "commit-fails": _fate("fails"),
    "commit-lost": _fate("lost"),
    "commit-late": _late(True),
    "commit-late-undone": _late(False),
    "statement-fails": _fate("fails"),
    "statement-lost": _fate("lost"),
    "database-down": _database_down,
    "database-cut": _database_cut,
    "hang-up": _hang_up,
    "database-clock": _database_clock,
    "redis-flush": _redis_flush,
    "redis-down": _redis_down,
    "redis-cut": _redis_cut,
    "redis-lost": _fate("lost"),
    "redis-fails": _fate("fails"),
    "redis-full": _redis_full,
    "redis-clock": _redis_clock,
    "cancel": _people("cancel"),
    "retry": _people("retry"),
    "prune": _people("prune"),
    "decide": _people("decide"),
    "reschedule": _people("reschedule"),
    "failover": _failover,
}
