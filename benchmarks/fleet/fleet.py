"""What the workers of a fleet do, as far as their servers notice. Follows jobqueue.worker: names are the same there."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from jobqueue.worker.pace import Pace

from .model import Costs, Fleet, Work
from .world import Bell, Cores, Log, Process, World

_POLL_WITH_HINTS = 2.0
_RECONCILE_SECONDS = 2.0
_LONGEST_WAIT = 0.5
_TOLD_SECONDS = 0.005
_MOST_HINTS = 32
_UNKNOWN_SECONDS = 60.0
_PRUNE_LOT, _PRUNE_AT_MOST_SECONDS, _PRUNE_SECONDS = 500, 1.0, 60.0
# What a job costs the worker's parent process, which does one thing at a time.
_PARENT_SECONDS = 0.0001


@dataclass(eq=False)
class Worker:
    """One worker: what its executors have to do, what has ended, when it looks again.

    `held` are its claims, `renewed` those of them that have lived through a renewal: the oldest.
    """

    bell: Bell
    ended: int = 0
    held: int = 0
    renewed: int = 0
    next_look: float = 0.0
    next_reconcile: float = 0.0
    inboxes: list[deque[float]] = field(default_factory=list)
    bells: list[Bell] = field(default_factory=list)


class Simulation:
    """A fleet at work. Latencies are in seconds, from enqueue() to the body."""

    def __init__(self, fleet: Fleet, costs: Costs, *, seed: int = 1) -> None:
        self.fleet, self.costs = fleet, costs
        self.world = World()
        self.postgres = Cores(self.world, fleet.cores)
        self.log = Log(self.world, fleet.flush)
        self.redis = Cores(self.world, 1)
        self.latencies: list[float] = []
        self.done = self.pruned = 0
        self.wal = 0.0
        self._running = 0
        self._owners = 0
        self._old = 0
        self._hints = 0
        self._random = random.Random(seed)
        self._ready: deque[float] = deque()
        self._window = _window(fleet.job)
        # Who waits for a hint, the longest first: a dict is a set in order.
        self._listening: dict[Worker, None] = {}
        for _ in range(fleet.workers):
            self._hire()
        if fleet.arrivals:
            self.world.start(self._enqueue(fleet.arrivals))

    def run(self, seconds: float) -> None:
        """Let time pass, and count only what happens in it."""
        for machine in (self.postgres, self.redis):
            machine.spent.clear()
        self.latencies.clear()
        self.done = self.pruned = self.log.flushes = 0
        self.wal = 0.0
        self.world.run(until=self.world.now + seconds)

    def _hire(self) -> None:
        worker = Worker(Bell(self.world))
        for number in range(self.fleet.executors):
            worker.inboxes.append(deque())
            worker.bells.append(Bell(self.world))
            self.world.start(self._executor(worker, number))
        for part in (self._parent, self._heartbeat, self._keeper, self._listener):
            self.world.start(part(worker))

    # ── requests ──

    def _ask(self, purpose: str, work: Work, *, trips: int = 1, commit: bool = False) -> Process:
        yield trips * self.fleet.trip + self.postgres.serve(purpose, work.seconds)
        self.wal += work.wal
        if commit:
            yield self.log.commit()

    def _call(self, purpose: str, seconds: float) -> float:
        return self.fleet.trip + self.redis.serve(purpose, seconds)

    # ── who enqueues ──

    def _enqueue(self, a_second: float) -> Process:
        while True:
            yield self._random.expovariate(a_second)
            self.world.start(self._enqueue_one())

    def _enqueue_one(self) -> Process:
        began = self.world.now
        yield from self._ask("enqueue", self.costs.postgres("enqueue"), commit=True)
        self._ready.append(began)
        yield self._call("hints", self.costs.redis("hint"))
        self._hint()

    def _hint(self) -> None:
        """Wake who has listened longest; with nobody there, the hint waits in its list."""
        worker = next(iter(self._listening), None)
        if worker is None:
            self._hints = min(_MOST_HINTS, self._hints + 1)
            return
        del self._listening[worker]
        self._listening[worker] = None
        self._woken(worker)

    def _woken(self, worker: Worker) -> None:
        worker.next_look = 0.0
        worker.bell.ring()

    # ── a worker ──

    def _room(self, worker: Worker) -> int:
        """Return how many more jobs its executors can take; none until half of what one has is done."""
        waits = [len(inbox) for inbox in worker.inboxes]
        return sum(self._window - n for n in waits if n <= self._window // 2)

    def _tell_room(self, worker: Worker) -> None:
        """Have hints come here only while a job could be taken; one that waits in the list comes at once."""
        if not self._room(worker):
            self._listening.pop(worker, None)
            return
        self._listening.setdefault(worker)
        if self._hints:
            self._hints -= 1
            self._woken(worker)

    def _parent(self, worker: Worker) -> Process:
        worker.next_reconcile = self._random.uniform(0, _RECONCILE_SECONDS)
        yield self._random.uniform(0, _POLL_WITH_HINTS)
        while True:
            if worker.ended:
                yield from self._settle(worker)
            if self.world.now >= worker.next_reconcile:
                worker.next_reconcile = self.world.now + _RECONCILE_SECONDS
                yield from self._ask("keepers", self.costs.reconcile(worker.held))
            room = self._room(worker) if worker.next_look <= self.world.now else 0
            if room:
                yield from self._claim(worker, room)
            self._tell_room(worker)
            if not worker.ended:
                look = worker.next_look - self.world.now if self._room(worker) else _LONGEST_WAIT
                yield worker.bell, max(0.0, min(look, worker.next_reconcile - self.world.now))

    def _settle(self, worker: Worker) -> Process:
        ended, worker.ended = worker.ended, 0
        if not self.fleet.writes:
            yield from self._ask("settle", self.costs.postgres("settle", ended), commit=True)
            self._running -= ended
        if renewed := min(ended, worker.renewed):
            worker.renewed -= renewed
            yield from self._ask("attempts", self.costs.postgres("close", renewed), commit=True)
        self._hold(worker, -ended)
        yield self._call("leases", self.costs.redis("release", ended)) + ended * _PARENT_SECONDS

    def _claim(self, worker: Worker, room: int) -> Process:
        began = [self._ready.popleft() for _ in range(min(room, len(self._ready)))]
        if self.fleet.arrivals is None:
            began = [self.world.now] * room
        worker.next_look = self.world.now if len(began) == room else self.world.now + _POLL_WITH_HINTS
        if not began:
            yield from self._ask("polls", self.costs.postgres("look_in_vain"), trips=3)
            return
        self._running += len(began)
        self._hold(worker, len(began))
        yield from self._ask("claim", self.costs.postgres("claim", len(began)), commit=self.fleet.claims_wait)
        yield self._call("leases", self.costs.redis("acquire", len(began)))
        for moment in began:
            least = min(range(len(worker.inboxes)), key=lambda i: len(worker.inboxes[i]))
            worker.inboxes[least].append(moment)
        for bell in worker.bells:
            bell.ring()

    def _hold(self, worker: Worker, more: int) -> None:
        held_any, worker.held = worker.held > 0, worker.held + more
        self._owners += (worker.held > 0) - held_any

    def _executor(self, worker: Worker, number: int) -> Process:
        inbox = worker.inboxes[number]
        while True:
            if not inbox:
                yield worker.bells[number], 3600.0
                continue
            # Ends are told every five milliseconds, those of longer jobs one by one.
            lot = max(1, min(len(inbox), int(_TOLD_SECONDS / self.fleet.job)))
            for _ in range(lot):
                self.latencies.append(self.world.now - inbox[0])
                yield self.fleet.job * self._random.uniform(0.5, 1.5)
                if self.fleet.writes:
                    # BEGIN, the body's UPDATE, the fence with the result, COMMIT.
                    yield from self._ask("bodies", self.costs.postgres("job_that_writes"), trips=4, commit=True)
                    self._running -= 1
                inbox.popleft()
            self.done += lot
            self._old += lot  # As many grow old enough to be pruned as are done.
            worker.ended += lot
            worker.bell.ring()

    # ── signs of life, and the house ──

    def _heartbeat(self, worker: Worker) -> Process:
        """Renew the leases, and write the heartbeat and what was renewed: two threads do that at the same time."""
        yield self._random.uniform(0, self.fleet.renew_seconds)
        while True:
            yield self.fleet.renew_seconds
            if worker.held:
                yield self._call("leases", self.costs.redis("renew", worker.held))
            yield from self._ask("heartbeats", self.costs.postgres("heartbeat"), commit=True)
            if worker.held:
                worker.renewed = worker.held
                yield from self._ask("attempts", self.costs.postgres("record", worker.held), trips=4, commit=True)

    def _keeper(self, worker: Worker) -> Process:
        next_prune = 0.0
        next_unknown = self._random.uniform(0, _UNKNOWN_SECONDS)  # As in a fleet that has been up for long.
        yield self._random.uniform(0, self.fleet.keeper_seconds)
        while True:
            yield self.fleet.keeper_seconds * self._random.uniform(0.8, 1.2)
            yield from self._ask("keepers", self.costs.look_for_dead(self.fleet.workers))
            if self.world.now >= next_unknown:
                next_unknown = self.world.now + _UNKNOWN_SECONDS
                yield from self._ask("keepers", self.costs.orphans(self._running, self._owners))
                yield from self._ask("keepers", self.costs.forget_workers(self._running), trips=3)
            yield self._call("keepers", self.costs.redis("witness_0"))
            if self.world.now >= next_prune:
                seconds = yield from self._prune()
                next_prune = self.world.now + seconds

    def _prune(self) -> Generator[Any, None, float]:
        deadline = self.world.now + _PRUNE_AT_MOST_SECONDS
        while gone := min(_PRUNE_LOT, self._old):
            self._old -= gone
            self.pruned += gone
            yield from self._ask("prune", self.costs.postgres("prune", gone), trips=8, commit=True)
            if self.world.now > deadline:
                return 0.0
        return _PRUNE_SECONDS

    def _listener(self, worker: Worker) -> Process:
        """Ask for a hint again whenever none has come for so long."""
        yield self._random.uniform(0, self.fleet.keeper_seconds)
        while True:
            yield self.fleet.keeper_seconds
            if worker in self._listening:
                self.redis.serve("hints", self.costs.redis("witness_0"))


def _window(seconds: float) -> int:
    """Return how many jobs that take so long an executor is given at a time."""
    pace = Pace()
    for _ in range(100):
        pace.note(seconds)
    return pace.window()
