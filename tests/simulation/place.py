"""Replaces, around a simulation, all that jobqueue's modules use from outside: none of jobqueue's own code.

Left out are what a worker does once when it starts and no promise hangs on: importing tasks, writing down their
definitions, marking its database sessions (on SQLite that does nothing).
"""

from __future__ import annotations

import importlib
import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import UUID

from django.db import connections, transaction

from jobqueue import lifecycle, points
from jobqueue.conf import Options
from jobqueue.leases import Leases, Wake
from tests.simulation import current, processes, threads
from tests.simulation.redis import connect
from tests.simulation.signals import SIGNALS
from tests.simulation.sqlite import SETTINGS

_TIME = threads.Time()


class _Random:
    def __getattr__(self, name: str) -> Any:
        return getattr(current.world.ids, name)


class _Local:
    """The database connections of each actor."""

    def __getattr__(self, alias: str) -> Any:
        try:
            return self._of_actor()[alias]
        except KeyError:
            raise AttributeError(alias) from None

    def __setattr__(self, alias: str, value: Any) -> None:
        self._of_actor()[alias] = value

    def __delattr__(self, alias: str) -> None:
        del self._of_actor()[alias]

    @staticmethod
    def _of_actor() -> dict[str, Any]:
        actor = current.world.here
        return actor.connections if actor is not None else current.world.own


def _uuid4() -> UUID:
    return UUID(int=current.world.ids.getrandbits(128), version=4)


def _urandom(size: int) -> bytes:
    return current.world.ids.randbytes(size)


def _per_process(name: str, make: Callable[[], Any]) -> Any:
    """Return what each process has one of."""
    actor = current.world.here
    own = actor.process.own if actor is not None else current.world.own
    if name not in own:
        own[name] = make()
    return own[name]


def _leases_of(options: Options) -> Leases | None:
    return options.redis and _per_process(f"leases {options.key_prefix}", lambda: Leases(options.redis, options))


def _wake_of(options: Options) -> Wake | None:
    return options.redis and _per_process(f"wake {options.key_prefix}", lambda: Wake(options.redis, options))


def _pid() -> int:
    assert current.world.here is not None
    return current.world.here.process.pid


def _exit(code: int) -> None:
    world = current.world
    assert world.here is not None
    world.here.process.die(code)
    world.at("exit")


class _OS:
    """The os module of an executor: what it asks about itself, and about the real file system."""

    getpid, _exit = staticmethod(_pid), staticmethod(_exit)
    open, close, devnull, O_RDONLY = os.open, os.close, os.devnull, os.O_RDONLY

    @staticmethod
    def register_at_fork(**_: Any) -> None:
        return


def _module(name: str) -> Any:
    importlib.import_module(f"jobqueue.{name}")
    return sys.modules[f"jobqueue.{name}"]


def _rescue(rescue: Callable[..., Any]) -> Callable[..., Any]:
    def noted(orphan: Any, **options: Any) -> Any:
        assert current.world.here is not None
        current.world.here.judged = orphan.fence
        return rescue(orphan, **options)

    return noted


def _perform(perform: Callable[..., Any]) -> Callable[..., Any]:
    def noted(self: Any, claim: Any, serial: int) -> Any:
        assert current.world.here is not None
        current.world.here.process.own["performs"] = claim.fence
        return perform(self, claim, serial)

    return noted


def _only_if_it_ticks(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **options: call(**options) if current.simulation.ticks() else None


_NOTHING = SimpleNamespace(mark=lambda *_: None, hurry=lambda: None, forget=lambda: None, commit_soon=lambda _: None)


def _replacements() -> Generator[tuple[Any, str, Any]]:
    supervisor, crew, loop = _module("worker.supervisor"), _module("worker.crew"), _module("worker.loop")
    dispatcher, process = _module("worker.dispatcher"), _module("worker.executor.process")
    yield lifecycle, "rescue", _rescue(lifecycle.rescue)
    yield (
        _module("worker.executor.perform").Performer,
        "perform",
        _perform(_module("worker.executor.perform").Performer.perform),
    )
    # What is counted for people is no promise, and each writing of it one more place where a story can branch.
    yield _module("tallies"), "record", lambda _: None
    yield _module("tallies"), "roll_up", lambda: None
    burst, database = _module("leases.burst"), _module("database")
    yield supervisor, "discover", lambda: None
    yield supervisor, "registered", lambda: current.simulation.tasks
    yield supervisor, "publish_definitions", lambda *_: None
    yield supervisor, "publish_declared", _only_if_it_ticks(supervisor.publish_declared)
    # Where nothing is scheduled, each look at nothing would be one more place where a story can branch.
    yield supervisor, "Timekeeper", _only_if_it_ticks(supervisor.Timekeeper)
    for module in (_module("schedules.look"), _module("schedules.publish")):
        yield module, "declared", lambda: {plan.name: plan for plan in current.simulation.schedules}
    yield supervisor, "sessions", _NOTHING
    yield supervisor, "checks", SimpleNamespace(check_server=lambda *_: [])
    yield supervisor, "wake_of", _wake_of
    yield supervisor, "CONTEXT", processes.Context
    yield supervisor, "socket", SimpleNamespace(gethostname=lambda: current.world.here.process.name)  # type: ignore[union-attr]
    yield supervisor, "uuid", SimpleNamespace(uuid4=_uuid4)
    yield supervisor, "os", SimpleNamespace(getpid=_pid)
    yield supervisor.Supervisor, "_take_signals", lambda _self: None
    yield crew, "CONTEXT", processes.Context
    yield crew, "open", processes.open_file
    yield crew, "wait", lambda things, _at_once: processes._ready(things)
    yield threading.Thread, "start", lambda self: threads.start(self, self.name, self.run)
    yield threading.Thread, "join", threads.join
    yield loop, "threading", SimpleNamespace(Event=threads.Event)
    yield dispatcher, "threading", SimpleNamespace(Event=threads.Event)
    yield dispatcher, "os", processes.DispatcherOs
    yield dispatcher, "wait", processes.wait
    yield process, "_die_with_fork_server", lambda: None
    yield process, "django", SimpleNamespace(setup=lambda: None)
    yield process, "discover", lambda: None
    yield process, "gc", SimpleNamespace(freeze=lambda: None)
    yield process, "sessions", _NOTHING
    yield process, "SimpleQueue", threads.SimpleQueue
    yield process, "_memory", lambda: 0
    yield burst, "threading", SimpleNamespace(Thread=threads.Thread, Lock=threads.Lock)
    yield burst, "os", SimpleNamespace(register_at_fork=lambda **_: None)
    yield _module("leases.connection"), "connect", connect
    yield _module("backend"), "leases_of", _leases_of
    yield _module("backend"), "wake_of", _wake_of
    yield _module("lifecycle.claim"), "uuid", SimpleNamespace(uuid4=_uuid4)
    yield _module("lifecycle.judge"), "uuid", SimpleNamespace(uuid4=_uuid4)
    yield database, "os", SimpleNamespace(urandom=_urandom)
    # Ids only rise: those of virtual times to come would be the least that the next test can get.
    yield database, "_ids", database._Ids()
    # Half as often as in real life: it looks at shared memory alone, and what it is for takes longer than that.
    yield _module("worker.watchdog"), "_TICK", 0.1
    yield points, "listener", lambda name: current.world.at(name)
    yield connections, "_connections", _Local()
    yield connections, "settings", {"default": SETTINGS}
    for name, module in list(sys.modules.items()):
        if name.startswith("jobqueue.") and getattr(module, "time", None) is time:
            yield module, "time", _TIME
        if name.startswith("jobqueue.") and getattr(module, "random", None) is random:
            yield module, "random", _Random()
        if name.startswith("jobqueue.worker.") and getattr(module, "signal", None) is signal:
            yield module, "signal", SIGNALS
        if name.startswith("jobqueue.worker.executor.") and getattr(module, "os", None) is os:
            yield module, "os", _OS


@contextmanager
def replaced() -> Generator[None]:
    """Replace everything while the block runs."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with ExitStack() as stack:
            for owner, name, value in _replacements():
                stack.enter_context(patch.object(owner, name, value, create=name == "open"))
            assert transaction.get_connection  # All of Django goes by way of `connections`.
            yield
    finally:
        logging.disable(disabled)
