"""Strikes: one fault at a time at first, so that it is known what broke; then several at once; then what is missing."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError, connections
from redis import RedisError

from . import schedule
from .faults import FAULTS
from .faults.fault import Scene, Strike

# One at a time for this part of the time; then a storm for the rest, and for this part at least.
_ALONE, _STORM = 0.6, 0.25
_LONGEST_RECOVERY = 8.0
# What was not needed so far gets some more chances.
_ROUNDS = 6


class Struck(NamedTuple):
    """A fault that has happened, and when, by the monotonic clock."""

    kind: str
    breaks: str
    began: float
    ended: float


class Campaign:
    """All strikes of a chapter."""

    def __init__(self, scene: Scene, kinds: Iterable[str], *, called_for: Callable[[], Iterable[str]]) -> None:
        self.struck: list[Struck] = []
        self.missed: Counter[str] = Counter()
        self.errors: list[str] = []
        self.ownerless_before_storm = 0.0
        self._scene = scene
        self._kinds = list(kinds)
        self._seed = scene.plan.seed_of("faults")
        self._called_for = called_for
        self._over = threading.Event()

    def run(self) -> None:
        """Strike until the time of the chapter is over, and until every kind and every defence had its turn."""
        began, seconds = time.monotonic(), self._scene.plan.seconds
        for strike in schedule.one_of_each(self._seed, self._kinds):
            self._strike(strike, alone=True)
        for strike in schedule.at_random(self._seed, self._kinds, pause=0.5):
            if time.monotonic() > began + _ALONE * seconds:
                break
            self._strike(strike, alone=True)
        self.ownerless_before_storm = self._scene.watch.ownerless.longest
        self._storm(max(_STORM * seconds, began + seconds - time.monotonic()))
        self._call_for_what_is_missing()

    def _storm(self, seconds: float) -> None:
        lanes = [
            threading.Thread(target=self._lane, args=(what,), name=what, daemon=True)
            for what in ("process", "redis", "database")
        ]
        for lane in lanes:
            lane.start()
        self._over.wait(seconds)
        self._over.set()
        for lane in lanes:
            lane.join()

    def _call_for_what_is_missing(self) -> None:
        for number in range(_ROUNDS):
            kinds = [kind for kind in self._called_for() if kind in self._kinds]
            if not kinds:
                return
            for strike in schedule.one_of_each(f"{self._seed}:missing:{number}", kinds):
                self._strike(strike, alone=True)

    def _lane(self, breaks: str) -> None:
        kinds = [kind for kind in self._kinds if FAULTS[kind].breaks == breaks]
        if not kinds:
            return
        for strike in schedule.at_random(f"{self._seed}:{breaks}", kinds, pause=self._scene.lease):
            if self._over.wait(strike.pause):
                break
            self._strike(strike)
        connections.close_all()

    def _strike(self, strike: Strike, *, alone: bool = False) -> None:
        fault, began = FAULTS[strike.kind], time.monotonic()
        try:
            hit = fault.happen(self._scene, strike)
        except (DatabaseError, InterfaceError, RedisError, OSError):
            # Two faults got into each other's way.
            hit = False
        except Exception as error:
            hit = False
            self.errors.append(f"{strike.kind}: {error!r}")
        ended = time.monotonic()
        if hit is False:
            self.missed[strike.kind] += 1
        else:
            self.struck.append(Struck(strike.kind, fault.breaks, began, ended))
        if alone:
            self._recover(strike)
        print(
            f"{began:.1f} {strike.kind} (victim {strike.victim:.3f}, force {strike.force:.3f}): "
            f"{'nobody was hit' if hit is False else f'{ended - began:.1f} s'}, "
            f"next after {time.monotonic() - ended:.1f} s",
            flush=True,
        )

    def _recover(self, strike: Strike) -> None:
        """Wait until all workers live and were given the time to renew, so that the next fault meets no other one."""
        over = time.monotonic() + _LONGEST_RECOVERY
        time.sleep(self._scene.lease / 2 + strike.pause)
        while time.monotonic() < over and not self._scene.all_beat():
            time.sleep(0.1)
