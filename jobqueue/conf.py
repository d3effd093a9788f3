"""Reads OPTIONS of a TASKS entry into one frozen value; the only place that knows option names.

One knob sets the rhythm of everything: ``LEASE_SECONDS``. The other times are derived from it here, so
that no reader has to keep several of them consistent.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.tasks.exceptions import InvalidTaskBackend

from .sentences import Sentence

FINISHED = ("SUCCESSFUL", "FAILED")
UNIQUE = ("waiting", "active")
EFFECTS = ("atomic", "steps", "unfenced")
# What becomes of a job when one of those fails for which it waits.
ON_FAILURE = ("cancel", "fail", "run")
LONGEST_TAG, MOST_TAGS = 64, 20


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return ' Did you mean …?' when a known name is close to the given one, else the list of known names."""
    names = sorted(known)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if close:
        return Sentence(" Did you mean %(name)r?", name=close[0])
    return Sentence(" Known: %(names)s.", names=", ".join(names) if names else Sentence("none"))


_KEPT_DAYS = 7.0
# Each running job may have as many in memory, and each attempt in the database.
_MOST_LOG_LINES = 1000
_MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The OPTIONS of one backend, checked. All times are in seconds, all sizes in bytes of UTF-8 JSON."""

    redis: str | None = "default"
    lease_seconds: float = 30.0
    max_attempts: int = 3
    max_crashes: int = 3
    timeout: float | None = None
    effects: str = "atomic"
    writes_to: str | None = None
    unfenced_databases: tuple[str, ...] = ()
    key_prefix: str = "jobqueue"
    max_argument_bytes: int = 256 * 1024
    max_result_bytes: int = 256 * 1024
    retention_days: float | dict[str, float | None] | None = _KEPT_DAYS
    log_lines: int = 50

    @classmethod
    def read(cls, alias: str, options: Mapping[str, Any]) -> Options:
        """Return the options of TASKS[alias].

        Raises InvalidTaskBackend, naming the setting and the remedy, for an unknown name or a bad value.
        """
        known = {field.name.upper(): field.name for field in fields(cls)}
        for name in options:
            if name not in known:
                raise InvalidTaskBackend(
                    f"TASKS[{alias!r}]['OPTIONS'] has an unknown option {name!r}.{suggestion(name, known)}"
                )
        values = {known[name]: value for name, value in options.items()}
        for name, (accepts, wanted) in _RULES.items():
            if name in values and not accepts(values[name]):
                raise InvalidTaskBackend(
                    f"TASKS[{alias!r}]['OPTIONS'][{name.upper()!r}] must be {wanted}, not {values[name]!r}."
                )
        if "unfenced_databases" in values:
            values["unfenced_databases"] = tuple(values["unfenced_databases"])
        return cls(**values)

    def time_limit(self, timeout: float | None) -> float | None:
        """Return how many seconds a body may run, None for ever: as its task says, or else TIMEOUT."""
        limit = self.timeout if timeout is None else timeout
        return None if limit is None or math.isinf(limit) else limit

    def kept_days(self, status: str) -> float:
        """Return for how many days jobs that ended so are kept; math.inf for ever."""
        kept = self.retention_days
        days = kept.get(status, _KEPT_DAYS) if isinstance(kept, dict) else kept
        return math.inf if days is None else days

    @property
    def renew_seconds(self) -> float:
        """How often leases and the heartbeat are renewed: three tries before a lease can lapse."""
        return self.lease_seconds / 3

    @property
    def margin_seconds(self) -> float:
        """How long before its lease can lapse an owner stops trusting it."""
        return self.lease_seconds / 5

    @property
    def redis_timeout(self) -> float:
        """How long a worker waits for Redis before it goes on without."""
        return max(0.2, self.lease_seconds / 10)

    @property
    def kill_after_seconds(self) -> float:
        """How long after its timeout a body that does not stop when told is killed with its process."""
        return min(5.0, self.lease_seconds / 3)

    @property
    def keeper_seconds(self) -> float:
        """How often the keeper looks for orphans; a rescue needs two looks."""
        return min(2.0, max(0.2, self.lease_seconds / 8))


def is_number(value: Any, *, least: float, whole: bool = False) -> bool:
    """Return whether a value is a finite number, or a whole one, that is not too small; True is none."""
    kind = int if whole else int | float
    return isinstance(value, kind) and not isinstance(value, bool) and least <= value < math.inf


def is_days(value: Any) -> bool:
    """Return whether a value is a number of days that every database can take from its clock."""
    return is_number(value, least=0) and value < _MOST_DAYS


def are_aliases(value: Any) -> bool:
    """Return whether a value is a list or tuple of names."""
    return isinstance(value, list | tuple) and all(isinstance(name, str) and name for name in value)


def _number(low: float) -> Any:
    return lambda v: is_number(v, least=low)


def _whole(low: int) -> Any:
    return lambda v: is_number(v, least=low, whole=True)


def _is_number_of_lines(value: Any) -> bool:
    return is_number(value, least=0, whole=True) and value <= _MOST_LOG_LINES


def _is_ending(status: Any) -> bool:
    return status in FINISHED


def _is_age(days: Any) -> bool:
    return days is None or is_days(days)


_RULES: dict[str, tuple[Any, str]] = {
    "redis": (lambda v: v is None or (isinstance(v, str) and v), "the name of a CACHES entry, or None"),
    "lease_seconds": (_number(1), "a number of seconds, 1 or more"),
    "max_attempts": (_whole(1), "a whole number, 1 or more"),
    "max_crashes": (_whole(1), "a whole number, 1 or more"),
    "timeout": (lambda v: v is None or _number(0.001)(v), "a number of seconds above 0, or None for no limit"),
    "effects": (lambda v: v in EFFECTS, f"one of {', '.join(EFFECTS)}"),
    "writes_to": (
        lambda v: v is None or (isinstance(v, str) and v),
        "an alias of DATABASES, or None for the jobs'",
    ),
    "unfenced_databases": (are_aliases, "a list of aliases of DATABASES"),
    "key_prefix": (
        lambda v: isinstance(v, str) and re.fullmatch(r"[\w.:{}-]{1,100}", v),
        "1 to 100 letters, digits or any of . : - _ { }",
    ),
    "max_argument_bytes": (_whole(2), "a number of bytes"),
    "max_result_bytes": (_whole(4), "a number of bytes"),
    "retention_days": (
        lambda v: _is_age(v) or (isinstance(v, dict) and all(map(_is_ending, v)) and all(map(_is_age, v.values()))),
        "a number of days, None to keep finished jobs, or either for each of SUCCESSFUL and FAILED",
    ),
    "log_lines": (_is_number_of_lines, f"a whole number from 0 to {_MOST_LOG_LINES}"),
}
