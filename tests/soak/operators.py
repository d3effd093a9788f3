"""Operators who cancel jobs, retry failed ones, and decide what is in doubt, at random, all the time.

Each deed that makes up for something is noted before it is done.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from uuid import UUID

from jobqueue import lifecycle
from jobqueue.errors import WrongState

from . import outside
from .facts import Seen
from .plan import Plan
from .rounds import Rounds
from .watch import Watch

_PAUSE = (0.2, 1.5)


class Operators(Rounds):
    """Act until stopped. `deeds` counts what came of it."""

    def __init__(self, plan: Plan, watch: Watch) -> None:
        super().__init__("operators")
        self.deeds: Counter[str] = Counter()
        self._random = random.Random(plan.seed_of("operators"))
        self._watch = watch

    def _pause(self) -> float:
        return self._random.uniform(*_PAUSE)

    def _round(self) -> None:
        with contextlib.suppress(WrongState):  # It has changed since it was looked at.
            self._act()

    def _act(self) -> None:
        verb, *wanted = self._random.choice(
            (
                (self._cancel, "RUNNING"),
                (self._cancel, "READY"),
                (self._retry, "FAILED"),
                (self._retry, "FAILED"),
                (self._decide, "FAILED", "in_doubt"),
            )
        )
        some = [seen for seen in self._watch.present() if [seen.status, seen.outcome][: len(wanted)] == wanted]
        if some:
            verb(self._random.choice(some))

    def _cancel(self, seen: Seen) -> None:
        owner = lifecycle.cancel(UUID(seen.id), by="the soak")
        self._watch.cancelled.add(seen.id)
        self.deeds["cancelled while running" if owner else "cancelled while waiting"] += 1

    def _retry(self, seen: Seen) -> None:
        self._watch.retried[seen.id] += 1
        lifecycle.retry(UUID(seen.id))
        self.deeds["retried"] += 1

    def _decide(self, seen: Seen) -> None:
        """Look outside what came of it, and say so."""
        self._watch.retried[seen.id] += 1
        if outside.arrived(seen.number):
            lifecycle.was_done(UUID(seen.id), receipt=seen.number, by="the soak")
        else:
            self._watch.again[seen.number] += 1
            lifecycle.do_again(UUID(seen.id))
        self.deeds["decided"] += 1
        self._watch.decided += 1
