"""What the workers of a fleet do, as far as their servers notice. Follows jobqueue.worker: names are the same there."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from .model import Costs, Fleet
from .world import Bell, Cores, Log, Process, World

_AHEAD_SECONDS, _MOST_AHEAD = 0.02, 64
_POLL_WITH_HINTS = 2.0
_PAUSED_SECONDS = 1.0
_KEEPER_SECONDS = 2.0
# What a job costs the worker's parent process, which does one thing at a time.
_PARENT_SECONDS = 0.0001


@dataclass
class Worker:
    """One worker: what its executors have to do, what has ended, when it looks again."""

    bell: Bell
    given: int = 0
    ended: int = 0
    next_look: float = 0.0
    next_paused: float = 0.0
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
        self.done = 0
        self.running = 0
        self._random = random.Random(seed)
        self._ready: deque[float] = deque()
        self._window = max(1, min(_MOST_AHEAD, int(_AHEAD_SECONDS / fleet.job)))
        self._workers = [self._hire() for _ in range(fleet.workers)]
        self._listening = deque(self._workers)
        if fleet.arrivals:
            self.world.start(self._enqueue(fleet.arrivals))

    def _hire(self) -> Worker:
        worker = Worker(Bell(self.world))
        for _ in range(self.fleet.executors):
            worker.inboxes.append(deque())
            worker.bells.append(Bell(self.world))
            self.world.start(self._executor(worker, len(worker.bells) - 1))
        self.world.start(self._parent(worker))
        self.world.start(self._heartbeat())
        self.world.start(self._renewer(worker))
        self.world.start(self._keeper())
        self.world.start(self._reconciler(worker))
        return worker

    # ── requests ──

    def _ask(self, purpose: str, seconds: float, *, commit: bool = False) -> float:
        took = self.postgres.serve(purpose, seconds)
        return self.fleet.trip + (self.log.commit(took) if commit else took)

    def _call(self, purpose: str, seconds: float) -> float:
        return self.fleet.trip + self.redis.serve(purpose, seconds)

    # ── who enqueues ──

    def _enqueue(self, a_second: float) -> Process:
        while True:
            yield self._random.expovariate(a_second)
            began = self.world.now
            took = self._ask("enqueue", self.costs.postgres("enqueue"), commit=True)
            self.world.at(began + took, lambda began=began: self._committed(began))

    def _committed(self, began: float) -> None:
        self._ready.append(began)
        self.redis.serve("hints", self.costs.redis("hint"))
        for _ in range(len(self._listening)):
            worker = self._listening.popleft()
            self._listening.append(worker)
            if self._room(worker):
                worker.next_look = 0.0
                worker.bell.ring()
                return

    # ── a worker ──

    def _room(self, worker: Worker) -> int:
        """Return how many more jobs its executors can take; none until half of what one has is done."""
        waits = [len(inbox) for inbox in worker.inboxes]
        return sum(self._window - n for n in waits if n <= self._window // 2)

    def _parent(self, worker: Worker) -> Process:
        yield self._random.uniform(0, _POLL_WITH_HINTS)
        while True:
            if worker.ended:
                yield from self._settle(worker)
            room = self._room(worker) if worker.next_look <= self.world.now else 0
            if room:
                yield from self._claim(worker, room)
            if not worker.ended:
                patience = worker.next_look - self.world.now if self._room(worker) else 0.5
                yield worker.bell, max(0.0, patience)

    def _settle(self, worker: Worker) -> Process:
        ended, worker.ended = worker.ended, 0
        if not self.fleet.writes:
            yield self._ask("settle", self.costs.postgres("settle", ended), commit=True)
        yield self._call("leases", self.costs.redis("release", ended)) + ended * _PARENT_SECONDS

    def _claim(self, worker: Worker, room: int) -> Process:
        if self.world.now >= worker.next_paused:
            worker.next_paused = self.world.now + _PAUSED_SECONDS
            yield self._ask("polls", self.costs.postgres("look_for_paused"))
        began = [self._ready.popleft() for _ in range(min(room, len(self._ready)))]
        if self.fleet.arrivals is None:
            began = [self.world.now] * room
        worker.next_look = self.world.now if len(began) == room else self.world.now + _POLL_WITH_HINTS
        if not began:
            yield self._ask("polls", self.costs.postgres("look_in_vain"))
            return
        self.running += len(began)
        yield self._ask("claim", self.costs.postgres("claim", len(began)), commit=True)
        yield self._call("leases", self.costs.redis("acquire", len(began)))
        for moment in began:
            least = min(range(len(worker.inboxes)), key=lambda i: len(worker.inboxes[i]))
            worker.inboxes[least].append(moment)
        for bell in worker.bells:
            bell.ring()

    def _executor(self, worker: Worker, number: int) -> Process:
        inbox = worker.inboxes[number]
        while True:
            if not inbox:
                yield worker.bells[number], 3600.0
                continue
            # Ends are told every five milliseconds, those of longer jobs one by one.
            lot = max(1, min(len(inbox), int(0.005 / self.fleet.job)))
            for _ in range(lot):
                self.latencies.append(self.world.now - inbox[0])
                yield self.fleet.job * self._random.uniform(0.5, 1.5)
                if self.fleet.writes:
                    yield 3 * self.fleet.trip + self._ask("bodies", self.costs.postgres("job_that_writes"), commit=True)
                inbox.popleft()
            self.done += lot
            self.running -= lot
            worker.ended += lot
            worker.bell.ring()

    # ── signs of life ──

    def _heartbeat(self) -> Process:
        yield self._random.uniform(0, self.fleet.lease / 3)
        while True:
            yield self.fleet.lease / 3
            yield self._ask("heartbeats", self.costs.postgres("heartbeat"), commit=True)

    def _renewer(self, worker: Worker) -> Process:
        yield self._random.uniform(0, self.fleet.lease / 3)
        while True:
            yield self.fleet.lease / 3
            yield self._call("leases", self.costs.redis("renew", sum(map(len, worker.inboxes))))

    def _keeper(self) -> Process:
        yield self._random.uniform(0, _KEEPER_SECONDS)
        while True:
            yield _KEEPER_SECONDS * self._random.uniform(0.8, 1.2)
            yield self._ask("keepers", self.costs.orphans(self.running))
            yield self._call("keepers", self.costs.redis("witness_0"))

    def _reconciler(self, worker: Worker) -> Process:
        yield self._random.uniform(0, _KEEPER_SECONDS)
        while True:
            yield _KEEPER_SECONDS
            yield self._ask("keepers", self.costs.reconcile(sum(map(len, worker.inboxes))))
