"""What a task says of its limits: under which key, how many at once, how many in which time. Words; nothing is counted.

A stored key tells whose it is: ``path`` is a task's own, ``path:text`` one that its callable gave, ``:text`` one that
tasks share by giving the same text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.tasks.exceptions import InvalidTask

from .conf import is_number, suggestion
from .errors import InvalidLimitKey
from .fields import is_storable

LONGEST_KEY = 400
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_RATE = re.compile(r"(?P<count>\d{1,9})/(?P<times>\d{0,6})(?P<unit>[smhd])")
# Workers look four times a second: what falls due meanwhile may begin together, or a fast rate would not be reached.
_TOGETHER_SECONDS = 0.25
# SQLite keeps milliseconds, clocks are not quite one, and whoever claims may look some time after he has asked for it.
_LEEWAY = timedelta(seconds=1)
_MOST_AT_ONCE = 1_000_000

type Key = str | Callable[..., str]
type Concurrency = int | Mapping[str, Any]
type RateWords = str | Mapping[str, Any]


class Rate(NamedTuple):
    """So many jobs in so many seconds, evenly: one in each interval, and at most ``burst`` together."""

    number: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.number} in {self.seconds} s"

    @property
    def interval(self) -> float:
        """How many microseconds lie between one job and the next."""
        return self.seconds * 1e6 / self.number

    @property
    def burst(self) -> int:
        """How many may begin together after a pause: what falls due in a quarter of a second, one at least."""
        return max(1, int(_TOGETHER_SECONDS * self.number / self.seconds))

    def turns(self, next_at: datetime | None, now: datetime) -> int:
        """Return how many jobs may begin now; ``next_at`` is when the next one is due."""
        return min(self.burst, max(0, 1 + int(self._slack(next_at, now) // self.interval)))

    def wait(self, next_at: datetime | None, now: datetime) -> float:
        """Return in how many seconds one may begin."""
        return max(0.0, -self._slack(next_at, now) / 1e6)

    def after(self, next_at: datetime | None, at: datetime, count: int) -> datetime:
        """Return when the next one is due, after so many have begun."""
        first = at if next_at is None or self._is_too_far(next_at, at) else max(at, next_at)
        return first + self._lead(count)

    def _slack(self, next_at: datetime | None, now: datetime) -> float:
        """Return for how many microseconds one may have begun; less than nothing: one has to wait so long."""
        allowed = (self.burst - 1) * self.interval
        if next_at is None or self._is_too_far(next_at, now):
            return allowed
        return allowed - (next_at - now) / timedelta(microseconds=1)

    def _is_too_far(self, next_at: datetime, now: datetime) -> bool:
        """Return whether a turn cannot be this rate's: it was slower when that was taken, or the clock is set back."""
        return next_at - now > self._lead(self.burst) + _LEEWAY

    def _lead(self, count: int) -> timedelta:
        return timedelta(microseconds=math.ceil(count * self.interval))


class Allowance(NamedTuple):
    """What jobs with one key may do: run so many at once, and begin at that rate. None is no limit."""

    most: int | None = None
    rate: Rate | None = None

    def __str__(self) -> str:
        slots = "" if self.most is None else f"{self.most} at once"
        return ", ".join(text for text in (slots, str(self.rate or "")) if text)

    def is_free(self) -> bool:
        """Return whether nothing limits them."""
        return self.most is None and self.rate is None

    def room(self, running: int, next_at: datetime | None, now: datetime) -> int:
        """Return how many more may begin now."""
        slots = _MOST_AT_ONCE if self.most is None else max(0, self.most - running)
        return slots if self.rate is None else min(slots, self.rate.turns(next_at, now))


class Declared(NamedTuple):
    """The limits of a task, and the key under which they count; None is the task itself."""

    key: Key | None
    allowance: Allowance


FREE = Allowance()


def declared(concurrency: Concurrency | None, rate: RateWords | None) -> Declared | None:
    """Return what a task's two options say, None when they say nothing; raises InvalidTask for bad values."""
    if concurrency is None and rate is None:
        return None
    most, key = _read("concurrency", concurrency)
    words, other = _read("rate", rate)
    if key is not None and other is not None and key != other:
        raise InvalidTask(
            "concurrency and rate count under one key, and two were given: give one of them no key, or the same."
        )
    if most is not None and not is_number(most, least=1, whole=True):
        raise InvalidTask(f'concurrency must be a whole number, 1 or more, or {{"key": …, "limit": 5}}, not {most!r}.')
    return Declared(key if other is None else other, Allowance(most, None if words is None else _read_rate(words)))


def key_of(task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return the key under which a call of a task is limited; empty when it is not.

    Raises InvalidLimitKey when the task's callable raises, or returns what is no key.
    """
    limits = declared(task.concurrency, task.rate)
    if limits is None:
        return ""
    if limits.key is None:
        return str(task.module_path)
    if isinstance(limits.key, str):
        return f":{limits.key}"
    try:
        text = limits.key(*args, **kwargs)
    except Exception as error:
        raise InvalidLimitKey(
            f"The limit key of {task.module_path} cannot be told: {type(error).__name__} was raised by its callable, "
            "which gets the arguments of the call. Nothing was enqueued."
        ) from error
    key = f"{task.module_path}:{text}"
    if not _is_text(text) or len(key) > LONGEST_KEY:
        raise InvalidLimitKey(
            f"The limit key of {task.module_path} must be a text of 1 to {LONGEST_KEY - len(key) + len(str(text))} "
            f"characters without NUL or halves of surrogate pairs, not {text!r}. Nothing was enqueued."
        )
    return key


def keys_of(task: Any, calls: Iterable[tuple[Sequence[Any], Mapping[str, Any]]]) -> list[str] | None:
    """Return the keys of some calls of a task, None when it has no limits; raises as key_of() does."""
    if task.concurrency is None and task.rate is None:
        return None
    return [key_of(task, args, kwargs) for args, kwargs in calls]


class Policies:
    """What the tasks that a worker knows say of keys. A key that several share is held to the strictest of them."""

    def __init__(self, tasks: Iterable[Any] = ()) -> None:
        self._by_path: dict[str, Allowance] = {}
        self._by_key: dict[str, Allowance] = {}
        for task in tasks:
            limits = declared(task.concurrency, task.rate)
            self._by_path[task.module_path] = FREE if limits is None else limits.allowance
            if limits is not None and isinstance(limits.key, str):
                key = f":{limits.key}"
                self._by_key[key] = _strictest(self._by_key.get(key, FREE), limits.allowance)

    def limit_anything(self) -> bool:
        """Return whether any of the tasks has a limit."""
        return any(not allowance.is_free() for allowance in self._by_path.values())

    def paths_of(self, key: str) -> list[str]:
        """Return the tasks whose jobs can have a key; none when it is of a task that is not known here."""
        path = key.partition(":")[0]
        if not path:
            return list(self._by_path)
        return [path] if path in self._by_path else []

    def of(self, key: str) -> Allowance | None:
        """Return what is allowed under a key; None for one that no task gives any more: then its jobs have to tell."""
        path = key.partition(":")[0]
        return self._by_path.get(path) if path else self._by_key.get(key)

    def of_job(self, key: str, path: str) -> Allowance:
        """Return what is allowed under a key of which a job is known."""
        known = self.of(key)
        return self._by_path.get(path, FREE) if known is None else known


def _read(name: str, value: Any) -> tuple[Any, Key | None]:
    """Return the limit and the key of an option, which may be given without a key."""
    if not isinstance(value, Mapping):
        return value, None
    for word in value:
        if word not in ("key", "limit"):
            raise InvalidTask(f"{name} has an unknown entry {word!r}.{suggestion(word, ('key', 'limit'))}")
    if value.get("limit") is None:
        raise InvalidTask(f'{name} needs a "limit", as in {{"key": "printer", "limit": …}}.')
    key = value.get("key")
    if key is not None and not callable(key) and not (_is_text(key) and len(key) < LONGEST_KEY):
        raise InvalidTask(
            f'The "key" of {name} must be a text of 1 to {LONGEST_KEY - 1} characters, or callable with the arguments '
            f"of a call, not {key!r}."
        )
    return value["limit"], key


def _read_rate(words: Any) -> Rate:
    match = _RATE.fullmatch(words) if isinstance(words, str) else None
    times = int(match["times"] or 1) if match else 0
    if match is None or not int(match["count"]) or not times:
        raise InvalidTask(f'rate must be like "100/m", with s, m, h or d, or like "5/10s", not {words!r}.')
    return Rate(int(match["count"]), times * _UNITS[match["unit"]])


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and is_storable(value)


def _strictest(one: Allowance, other: Allowance) -> Allowance:
    most = min((a.most for a in (one, other) if a.most is not None), default=None)
    rate = max((a.rate for a in (one, other) if a.rate is not None), key=lambda r: r.interval, default=None)
    return Allowance(most, rate)
