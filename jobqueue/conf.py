"""Reads OPTIONS of a TASKS entry into one frozen value; the only place that knows option names.

One knob sets the rhythm of everything: ``LEASE_SECONDS``. The other times are derived from it here, so
that no reader has to keep several of them consistent.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.tasks.exceptions import InvalidTaskBackend

EFFECTS = ("atomic", "steps", "unfenced")


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return ' Did you mean …?' when a known name is close to the given one, else the list of known names."""
    names = sorted(known)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(names)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The OPTIONS of one backend, checked. All times are in seconds, all sizes in bytes of UTF-8 JSON."""

    redis: str | None = "default"
    lease_seconds: float = 30.0
    max_attempts: int = 3
    max_crashes: int = 3
    effects: str = "atomic"
    key_prefix: str = "jobqueue"
    max_argument_bytes: int = 256 * 1024
    max_result_bytes: int = 256 * 1024
    retention_days: float | None = 7.0

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
        return cls(**values)

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


def _number(low: float) -> Any:
    return lambda v: isinstance(v, int | float) and not isinstance(v, bool) and low <= v < float("inf")


def _whole(low: int) -> Any:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= low


_RULES: dict[str, tuple[Any, str]] = {
    "redis": (lambda v: v is None or (isinstance(v, str) and v), "the name of a CACHES entry, or None"),
    "lease_seconds": (_number(1), "a number of seconds, 1 or more"),
    "max_attempts": (_whole(1), "a whole number, 1 or more"),
    "max_crashes": (_whole(1), "a whole number, 1 or more"),
    "effects": (lambda v: v in EFFECTS, f"one of {', '.join(EFFECTS)}"),
    "key_prefix": (
        lambda v: isinstance(v, str) and re.fullmatch(r"[\w.:{}-]{1,100}", v),
        "1 to 100 letters, digits or any of . : - _ { }",
    ),
    "max_argument_bytes": (_whole(2), "a number of bytes"),
    "max_result_bytes": (_whole(4), "a number of bytes"),
    "retention_days": (lambda v: v is None or _number(0)(v), "a number of days, or None to keep finished jobs"),
}
