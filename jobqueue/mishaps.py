"""What the environment asks to happen at a point: that a process dies there, freezes, raises an error or waits.

``JOBQUEUE_POINT=settle.after=kill`` kills every process that comes to that point. Options, separated by commas, say
which one: ``nth=2`` for the second time a process comes there, ``role=worker`` (or ``executor``, or ``other``),
``marker=FILE`` for the first one alone: it makes that file, with its pid in it, and whoever finds the file passes on.
Several are separated by semicolons. docs/crashpoints.md shows how to use it.
"""

from __future__ import annotations

import itertools
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.core.exceptions import ImproperlyConfigured

from . import points

logger = logging.getLogger("jobqueue.worker")

VARIABLE = "JOBQUEUE_POINT"
ROLES = ("worker", "executor", "other")

# What this process is. An executor is one from its start; a worker's parent says so when it begins to work.
role = "other"


class Mishap(Exception):
    """Raised at a point because JOBQUEUE_POINT asks for it."""


def _raise(name: str) -> None:
    raise Mishap(f"{VARIABLE} asks for an error at {name}.")


# To this thread, so that it gets no further: a signal to the process may be taken by another one.
_DEEDS: dict[str, Callable[[str], None]] = {
    "kill": lambda _: signal.raise_signal(signal.SIGKILL),
    "freeze": lambda _: signal.raise_signal(signal.SIGSTOP),
    "raise": _raise,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One thing to happen at one point. `nth` counts from 1, each process for itself; None is every time."""

    point: str
    deed: Callable[[str], None]
    nth: int | None = None
    role: str | None = None
    marker: str | None = None
    _times: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def carry_out(self) -> None:
        """Have it happen, if this is the process and the time for it."""
        if self.role in (None, role) and self._is_time() and self._is_first():
            self.deed(self.point)

    def _is_time(self) -> bool:
        return next(self._times) == self.nth if self.nth is not None else True

    def _is_first(self) -> bool:
        if self.marker is None:
            return True
        try:
            file = os.open(self.marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return False
        with os.fdopen(file, "w") as marker:
            marker.write(f"{os.getpid()} {self.point}\n")
        return True


def obey(text: str | None) -> None:
    """Do as JOBQUEUE_POINT says from now on; raises ImproperlyConfigured, saying what to do, when it makes no sense."""
    orders = [_order(part) for part in (text or "").split(";") if part.strip()]
    if orders:
        points.listener = _listener(orders)


def announce() -> None:
    """Note that this process is a worker, and say so loudly when something is to happen in it."""
    global role
    role = "worker"
    if text := os.environ.get(VARIABLE):
        logger.warning("%s is set: this worker breaks itself on purpose (%s). It is for tests alone.", VARIABLE, text)


def check(**_: Any) -> list[CheckMessage]:
    """Return a warning for `manage.py check --deploy` when JOBQUEUE_POINT is set."""
    if VARIABLE not in os.environ:
        return []
    return [
        Warning(
            f"The environment variable {VARIABLE} is set: processes break themselves on purpose.",
            hint="Unset it. It is for tests alone.",
            id="jobqueue.W003",
        )
    ]


def _listener(orders: Sequence[Order]) -> Callable[[str], None]:
    def listen(name: str) -> None:
        for order in orders:
            if order.point == name:
                order.carry_out()

    return listen


def _order(text: str) -> Order:
    order, *options = (part.strip() for part in text.split(","))
    point, _, deed = order.partition("=")
    if point not in points.POINTS:
        near = get_close_matches(point, points.POINTS, n=1)
        raise _bad(f"{point!r} is no point{f' (did you mean {near[0]!r}?)' if near else ''}")
    given = dict(option.partition("=")[::2] for option in options)
    for name in given:
        if name not in ("nth", "role", "marker"):
            raise _bad(f"{name!r} is no option: nth=, role= and marker= are")
    nth, who, marker = given.get("nth"), given.get("role"), given.get("marker")
    if nth is not None and not (nth.isdecimal() and int(nth)):
        raise _bad(f"nth={nth} is not a whole number, 1 or more")
    if who is not None and who not in ROLES:
        raise _bad(f"role={who} is none of {', '.join(ROLES)}")
    if marker is not None and not os.path.isdir(os.path.dirname(marker) or "."):
        raise _bad(f"marker={marker} is not in a directory that exists")
    return Order(point=point, deed=_deed(deed), nth=int(nth) if nth else None, role=who, marker=marker)


def _deed(text: str) -> Callable[[str], None]:
    if text in _DEEDS:
        return _DEEDS[text]
    kind, _, seconds = text.partition(":")
    try:
        delay = float(seconds)
    except ValueError:
        delay = -1.0
    if kind == "delay" and 0 <= delay < float("inf"):
        return lambda _: time.sleep(delay)
    raise _bad(f"{text!r} is nothing that can happen: kill, freeze, raise and delay:SECONDS are")


def _bad(what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"The environment variable {VARIABLE} is wrong: {what}. It is for tests alone: unset it, or write it as in "
        f"{VARIABLE}=settle.after=kill,nth=2,role=worker,marker=/tmp/once"
    )
