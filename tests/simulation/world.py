"""Virtual time, and who goes on next: of all actors exactly one runs at a time, until it gets to a place.

An actor is a thread of a simulated process, and really a greenlet. A *place* is where it could be overtaken: each
statement, COMMIT, call of Redis, message, and named point of jobqueue. Between two places an actor is alone.
"""

from __future__ import annotations

import heapq
import itertools
import signal
from collections.abc import Callable
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet

BEGINNING = 1_800_000_000.0
# Nobody waits for no time at all, or whoever looks again and again would keep time from passing.
_MOMENT = 1e-4
# No schedule needs nearly as many.
_MOST_STEPS = 30_000


class Unwound(BaseException):
    """The schedule is over: whoever is still under way ends here."""


class Waitable:
    """What actors can wait for."""

    def __init__(self) -> None:
        self.waiters: list[Actor] = []

    def notify(self) -> None:
        """Let everybody go on who waits for this."""
        waiters, self.waiters = self.waiters, []
        for actor in waiters:
            actor.world.wake(actor)


class Actor:
    """A thread of a simulated process."""

    def __init__(self, world: World, process: Process, name: str, act: Callable[[], object]) -> None:
        self.world, self.process, self.name = world, process, name
        self.role = name.rpartition(".")[2]
        self.connections: dict[str, Any] = {}
        self.over = Waitable()
        self.alive = True
        self.turn = 0
        self.fate: str | None = None
        self.judged: Any = None
        self.place = ""
        self.own_verb = ""
        self.enqueued: set[str] = set()
        self.waits = False
        self.greenlet = greenlet(lambda: self._run(act), parent=world.hub)

    def _run(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Unwound:
            pass
        except OSError:
            self.process.die(1)  # A real one ends with a traceback.
        except BaseException as error:
            if not self.world.unwinding:
                self.world.failed(error)
        finally:
            self.alive = False
            if not self.world.unwinding:
                self.process.ended(self)
                self.over.notify()


class Process(Waitable):
    """A simulated process: alive, frozen, starved or dead. Its number is negative, so no real one is ever meant."""

    def __init__(self, world: World, name: str, *, parent: Process | None = None) -> None:
        super().__init__()
        self.world, self.name, self.parent = world, name, parent
        self.pid = next(world.pids)
        self.children: list[Process] = []
        self.actors: list[Actor] = []
        self.parked: list[Actor] = []
        self.main: Actor | None = None
        self.alive = True
        self.exit_code: int | None = None
        self.held_until = 0.0
        self.stopped = False
        self.was_held = False
        self.ends: list[Any] = []
        self.own: dict[str, Any] = {}
        self.handlers: dict[int, Callable[..., Any]] = {}
        self.signalled = False
        if parent is not None:
            parent.children.append(self)
        world.processes.append(self)

    def spawn(self, name: str, act: Callable[[], object]) -> Actor:
        """Start a thread; the first one is the main thread, and the process ends with it."""
        actor = Actor(self.world, self, f"{self.name}.{name}", act)
        self.actors.append(actor)
        self.main = self.main or actor
        self.world.ready.append(actor)
        return actor

    def ended(self, actor: Actor) -> None:
        """Take note that a thread has come to its end."""
        if actor is self.main and self.alive:
            self.die(0)

    def hold(self, seconds: float, *, stopped: bool) -> None:
        """Let no thread of this process go on for so long: it is stopped, or starved by one of its own."""
        self.held_until = max(self.held_until, self.world.now + seconds)
        self.stopped = stopped
        self.was_held |= stopped
        self.world.call_at(self.held_until, self.release)

    def release(self) -> None:
        """Let it go on, if its time has come."""
        if self.alive and self.world.now >= self.held_until:
            self.stopped = False
            parked, self.parked = self.parked, []
            self.world.ready += [actor for actor in parked if actor.alive]

    def thaw(self) -> None:
        """Let it go on now."""
        self.held_until = self.world.now
        self.release()

    def is_held(self) -> bool:
        """Return whether it is frozen or starved."""
        return self.held_until > self.world.now

    def die(self, exit_code: int) -> None:
        """End: nothing of this process ever happens again, and what it had open is closed by the system."""
        if not self.alive:
            return
        self.alive, self.exit_code = False, exit_code
        self.world.on_death(self)
        for end in self.ends:
            end.hang_up()
        self.notify()

    def signal(self, number: int) -> None:
        """Have the handler of a signal run in the main thread, at its next place or in its sleep."""
        self.signalled = True
        if self.main is not None and self.main.waits and self.main.alive:
            self.world.wake(self.main)


class World:
    """One run of everything."""

    def __init__(self, rng: Random, *, restlessness: float) -> None:
        self.hub = getcurrent()
        self.rng, self.restlessness = rng, restlessness
        self.ids = Random(rng.random())
        self.now = 0.0
        self.pids = itertools.count(1001)
        self.sequence = itertools.count()
        self.own: dict[str, Any] = {}
        self.processes: list[Process] = []
        self.ready: list[Actor] = []
        self.timers: list[tuple[float, int, Any, int]] = []
        self.here: Actor | None = None
        self.unwinding = False
        self.error: BaseException | None = None
        self.steps = 0
        self.trace: list[tuple[float, str, str]] = []
        self.choose: Callable[[Actor, str], bool] | None = None
        self.on_place: Callable[[Actor, str], None] = lambda _actor, _place: None
        self.on_death: Callable[[Process], None] = lambda _process: None

    # -- what actors call --------------------------------------------------------------------

    def at(self, place: str) -> None:
        """Get to a place: a fault may strike here, and another actor may go on first."""
        if self.unwinding:
            raise Unwound
        actor = self.here
        if actor is None:
            return
        if self.error is not None:
            self._give_way(actor)
        self.steps += 1
        actor.place = place
        self.trace.append((self.now, actor.name, place))
        self.on_place(actor, place)
        given_way = self.choose is not None and self.choose(actor, place)
        if self.steps > _MOST_STEPS:
            self.failed(AssertionError(f"{self.steps} steps, and no end."))
        if (
            given_way
            or not actor.process.alive
            or actor.process.held_until > self.now
            or (self.ready and self.rng.random() < self.restlessness)
        ):
            self.ready.append(actor)
            self._give_way(actor)
        elif actor.process.signalled:
            self._handle_signal(actor)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.wait([], seconds)

    def wait(self, things: list[Waitable], timeout: float | None, *, deaf: bool = False) -> None:
        """Wait until one of the things is notified, or the time is over; a signal ends it too, unless deaf."""
        if self.unwinding:
            raise Unwound
        actor = self.here
        assert actor is not None
        for thing in things:
            thing.waiters.append(actor)
        if timeout is not None:
            heapq.heappush(self.timers, (self.now + max(timeout, _MOMENT), next(self.sequence), actor, actor.turn))
        actor.waits = not deaf
        self._give_way(actor, deaf=deaf)
        for thing in things:
            if actor in thing.waiters:
                thing.waiters.remove(actor)

    def _give_way(self, actor: Actor, *, deaf: bool = False) -> None:
        self.hub.switch()
        if self.unwinding:
            raise Unwound
        if actor.process.signalled and not deaf:
            self._handle_signal(actor)

    def _handle_signal(self, actor: Actor) -> None:
        process = actor.process
        if actor is process.main:
            process.signalled = False
            process.handlers[signal.SIGUSR1](signal.SIGUSR1, None)

    # -- what the world does -----------------------------------------------------------------

    def process(self, name: str, *, parent: Process | None = None) -> Process:
        """Make a process, in which nothing happens yet."""
        return Process(self, name, parent=parent)

    def wake(self, actor: Actor) -> None:
        """Let an actor that waits go on."""
        actor.turn += 1
        actor.waits = False
        if actor.alive and actor not in self.ready:
            self.ready.append(actor)

    def call_at(self, when: float, act: Callable[[], None]) -> None:
        """Have something happen at a moment, between two steps."""
        heapq.heappush(self.timers, (when, next(self.sequence), act, -1))

    def note(self, what: str) -> None:
        """Write a line into the trace."""
        self.trace.append((self.now, "", what))

    def failed(self, error: BaseException) -> None:
        """Take note of an error that nobody has caught: the run ends with it."""
        self.error = self.error or error

    def run_until(self, done: Callable[[], bool], *, until: float) -> bool:
        """Run until something is so, checked whenever time is to pass; return whether it came true in time."""
        while self.error is None:
            if not self.ready:
                if done():
                    return True
                if not self._pass_time(until):
                    return False
                continue
            which = int(self.rng.random() * len(self.ready)) if len(self.ready) > 1 and self.restlessness else 0
            actor = self.ready.pop(which)
            process = actor.process
            if not process.alive or not actor.alive:
                continue
            if process.held_until > self.now:
                process.parked.append(actor)
                continue
            actor.turn += 1
            self.here = actor
            actor.greenlet.switch()
            self.here = None
        raise self.error

    def _pass_time(self, until: float) -> bool:
        when = self.timers[0][0] if self.timers else until + 1
        if when > until:
            self.now = until
            return False
        self.now = max(self.now, when)
        while self.timers and self.timers[0][0] <= self.now:
            _, _, who, turn = heapq.heappop(self.timers)
            if turn < 0:
                who()
            elif who.turn == turn:
                self.wake(who)
        return True

    def unwind(self) -> None:
        """End everybody who is still under way."""
        self.unwinding = True
        for process in self.processes:
            for actor in process.actors:
                self.here = actor
                while actor.greenlet and not actor.greenlet.dead:
                    actor.greenlet.throw(Unwound)
        self.here = None

    def story(self) -> str:
        """Return what happened, a line a step."""
        return "\n".join(f"{when:9.3f}  {who:<22} {what}" for when, who, what in self.trace)
