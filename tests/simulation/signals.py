"""What stands in for the signal module: the handlers of a simulated process, and what it sends to itself."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from tests.simulation import current
from tests.simulation.world import Process


def _process() -> Process:
    assert current.world.here is not None
    return current.world.here.process


def _signal(number: int, handler: Callable[..., Any]) -> Any:
    before = _getsignal(number)
    _process().handlers[number] = handler
    return before


def _getsignal(number: int) -> Any:
    return _process().handlers.get(number, signal.SIG_DFL)


def _raise_signal(number: int) -> None:
    assert number == signal.SIGKILL, "Simulated processes send themselves nothing else."
    current.world.note("kills itself")
    _process().die(-number)
    current.world.at("killed")


def _pthread_kill(_thread: int, number: int) -> None:
    _process().signal(number)


_NAMES = {name: value for name, value in vars(signal).items() if name.startswith(("SIG", "ITIMER"))}
SIGNALS = SimpleNamespace(
    **_NAMES,
    signal=_signal,
    getsignal=_getsignal,
    raise_signal=_raise_signal,
    pthread_kill=_pthread_kill,
    setitimer=lambda *_: None,  # No body here sets one, so there is none to be ended.
)
