"""Enqueues jobs of every kind in every way, and writes down what it was told."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from jobqueue.models import Job

from . import tasks
from .history import say
from .kinds import before
from .plan import Plan

_WINDOW = 12
_LONG_AGO = 0.05
# Calls that ask for more than to be run: a third of all jobs, for most of the others are enqueued many at once.
_FEATURES = 0.45
_UNIQUE_KEYS = 3
_BRIEF, _LONGER = (0.05, 0.25), (0.2, 1.0)
Call = tuple[Any, tuple[Any, ...]]


@dataclass(slots=True)
class Answer:
    """What came of an enqueue: a word for all calls, and the ids of the jobs, in their order."""

    word: str
    ids: Sequence[str]


class Enqueuer(threading.Thread):
    """One thread that enqueues until it is `over`. `keys` is shared: each is enqueued several times, by all threads."""

    def __init__(self, plan: Plan, index: int, keys: itertools.count[int], over: threading.Event) -> None:
        super().__init__(name=f"enqueuer-{index}")
        self._random = random.Random(plan.seed_of("load", index))
        self._plan = plan
        self._index = index
        self._keys = keys
        self._over = over
        self._serial = itertools.count()
        self._next_special = time.monotonic()

    def run(self) -> None:
        """Keep jobs waiting until told to stop."""
        while not self._over.is_set():
            try:
                if Job.objects.ready().due().count() < self._plan.backlog:
                    for _ in range(self._plan.backlog // 6):
                        self._enqueue_one_way_or_another()
                else:
                    self._over.wait(0.1)
            except (DatabaseError, InterfaceError):
                connection.close()
                self._over.wait(0.1)

    def _enqueue_one_way_or_another(self) -> None:
        roll = self._random.random()
        if time.monotonic() >= self._next_special:
            self._next_special = time.monotonic() + self._random.uniform(1.0, 3.0)
            self._enqueue([self._special()])
        elif not self._plan.unfenced and self._random.random() < _FEATURES:
            self._enqueue_feature()
        elif roll < 0.15:
            self._enqueue_keyed()
        elif roll < 0.25:
            self._enqueue_many()
        elif roll < 0.35:
            self._enqueue([self._plain() for _ in range(3)], change_mind=roll < 0.28)
        else:
            self._enqueue([self._plain()])

    # -- which ----------------------------------------------------------------------------------

    def _number(self, kind: str) -> str:
        return f"{kind}-{self._index}-{next(self._serial)}"

    def _plain(self) -> Call:
        # Without a fence what fails after it has written is wrong in any case: faults have to show it.
        weights = (40, 30, 0, 0, 0, 0, 0) if self._plan.unfenced else (40, 30, 12, 3, 3, 3, 1)
        (kind,) = self._random.choices(("bump", "value", "steps", "flaky", "parent", "later", "hopeless"), weights)
        match kind:
            case "flaky":
                return tasks.flaky, (self._number("flaky"), self._random.randint(1, 3))
            case "parent":
                return tasks.parent, (f"{self._number('parent')}x{self._random.randint(1, 4)}",)
            case "later":
                at = timezone.now() + timedelta(seconds=self._random.uniform(0.2, 3))
                return tasks.bump.using(run_after=at), (self._number("bump"),)
            case _:
                return getattr(tasks, kind), (self._number(kind),)

    def _special(self) -> Call:
        weights = (1, 0, 0, 0, 0) if self._plan.unfenced else (8, 8, 2, 2, 1)
        (kind,) = self._random.choices(("slow", "slowsteps", "late", "outlaw", "poison"), weights)
        number = self._number(kind)
        if kind in ("slow", "slowsteps"):
            return getattr(tasks, kind), (number, self._random.uniform(0.5, 3.0) * self._plan.lease_seconds)
        return getattr(tasks, kind), (number,)

    # -- how ------------------------------------------------------------------------------------

    def _enqueue(self, calls: list[Call], *, change_mind: bool = False) -> None:
        """Enqueue in one transaction if there are several, and take that back if told to."""
        with self._telling([args[0] for _, args in calls]) as answer:
            if len(calls) == 1:
                answer.ids = [task.enqueue(*args).id for task, args in calls]
            else:
                with transaction.atomic():
                    answer.ids = [task.enqueue(*args).id for task, args in calls]
                    transaction.set_rollback(change_mind)
            answer.word = "undone" if change_mind else "known"

    @contextmanager
    def _telling(self, numbers: Sequence[str]) -> Iterator[Answer]:
        """Say what is enqueued, and then what came of it: unknown, if nothing else is answered."""
        for number in numbers:
            say("sent", number)
        answer = Answer("unknown", [""] * len(numbers))
        try:
            yield answer
        finally:
            for number, job_id in zip(numbers, answer.ids, strict=True):
                say(answer.word, number, job_id)

    def _enqueue_many(self) -> None:
        kind = self._random.choice(("bump", "value"))
        numbers = [self._number(kind) for _ in range(self._random.randint(5, 30))]
        with self._telling(numbers) as answer:
            made = getattr(tasks, kind).enqueue_many([((number,), {}) for number in numbers])
            answer.ids, answer.word = [result.id for result in made], "known"

    def _enqueue_feature(self) -> None:
        kinds = ("limited", "total", "doomed", "only", "coro", "mail", "parcel", "resume")
        (kind,) = self._random.choices(kinds, (6, 4, 1, 6, 6, 3, 3, 3))
        match kind:
            case "total" | "doomed":
                self._enqueue_behind_others(kind)
            case "only":
                self._enqueue_only()
            case "limited":
                self._enqueue([self._taking(kind, _BRIEF) for _ in range(self._random.randint(2, 5))])
            case "coro":
                self._enqueue([self._taking(kind, _BRIEF)])
            case "resume":
                self._enqueue([(tasks.resume, (self._number(kind),))])
            case "parcel":
                task, args = self._taking(kind, _LONGER)
                (broken,) = self._random.choices(("", "before", "behind"), (4, 1, 1))
                self._enqueue([(task, (*args, broken))])
            case _:
                self._enqueue([self._taking(kind, _LONGER)])

    def _taking(self, kind: str, seconds: tuple[float, float]) -> Call:
        return getattr(tasks, kind), (self._number(kind), self._random.uniform(*seconds))

    def _enqueue_behind_others(self, kind: str) -> None:
        """Enqueue jobs and one that waits for them, in one transaction or one after the other."""
        number = f"{self._number(kind)}x{self._random.randint(1, 3)}"
        earlier, together = before(number), self._random.random() < 0.5
        change_mind = together and self._random.random() < 0.1
        with self._telling([*earlier, number]) as answer:
            with transaction.atomic() if together else nullcontext():
                results = [self._enqueue_earlier(kind, one) for one in earlier]
                on_failure = "fail" if kind == "doomed" else "cancel"
                last = getattr(tasks, kind).using(after=results, on_failure=on_failure).enqueue(number)
                if together:
                    transaction.set_rollback(change_mind)
            answer.ids, answer.word = [*(one.id for one in results), last.id], "undone" if change_mind else "known"

    def _enqueue_earlier(self, kind: str, number: str) -> Any:
        if kind == "doomed":
            return tasks.hopeless.enqueue(number)
        return tasks.part.enqueue(number, self._random.uniform(*_LONGER))

    def _enqueue_only(self) -> None:
        number = f"{self._number('only')}x{self._random.randrange(_UNIQUE_KEYS)}"
        with self._telling([number]) as answer:
            result = tasks.only.enqueue(number, self._random.uniform(*_BRIEF))
            answer.ids, answer.word = [result.id], "joined" if result.enqueued_before else "known"

    def _enqueue_keyed(self) -> None:
        newest = next(self._keys) // 3
        # Now and then one from long ago, whose job was pruned meanwhile.
        back = self._random.randrange(newest + 1 if self._random.random() < _LONG_AGO else _WINDOW)
        number = f"keyed-{max(0, newest - back)}"
        say("sent", number)
        while True:
            try:
                result = tasks.keyed.using(idempotency_key=number).enqueue(number)
            except (DatabaseError, InterfaceError):
                connection.close()
                time.sleep(0.1)
            else:
                say("known", number, result.id, result.status)
                return
