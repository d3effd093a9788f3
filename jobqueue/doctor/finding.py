"""What the doctor found: how bad it is, what it means, what to do, and a figure with its unit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad a finding is. A warning may become a problem, or is one for some; only problems count as not well."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. ``about`` is its name for scripts; ``figure`` is counted in ``unit``."""

    about: str
    says: str
    level: Level = Level.OK
    means: str = ""
    do: str = ""
    figure: float | None = None
    unit: str = ""

    def document(self) -> dict[str, Any]:
        """Return it for a script."""
        return asdict(self)


def judged(level: Level | bool, **said: Any) -> Finding:
    """Return a finding that is of a level, or a warning if that is so; what is fine says no more than that."""
    found = level if isinstance(level, Level) else (Level.WARNING if level else Level.OK)
    if found is Level.OK:
        said = {**said, "means": "", "do": ""}
    return Finding(level=found, **said)
