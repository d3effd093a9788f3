"""The databases that killers run on: those that are named, and SQLite, which is always there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tests.mutants.mutant import Killer

LABELS = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
_SCHEMES = {"postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql", "sqlite": "sqlite"}


class Database(NamedTuple):
    """A database by its vendor, as Django has it, and its URL; "" for the suite's own SQLite file."""

    vendor: str
    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What tells the suite to use it; where a killer wants two databases, both are there."""
        return dict.fromkeys(("DATABASE_URL", "JOBQUEUE_JOBS_URL", "JOBQUEUE_APP_URL"), self.url) if self.url else {}

    def __str__(self) -> str:
        return LABELS[self.vendor]


def databases(urls: Iterable[str | None]) -> list[Database]:
    """Return the databases with these URLs, in that order and each vendor once, and SQLite as the last resort."""
    found: dict[str, Database] = {}
    for url in filter(None, urls):
        vendor = _SCHEMES.get(url.partition(":")[0])
        if vendor is None:
            raise SystemExit(f"{url!r} is no URL of PostgreSQL, MariaDB or SQLite.")
        found.setdefault(vendor, Database(vendor, "" if vendor == "sqlite" else url))
    found.setdefault("sqlite", Database("sqlite", ""))
    return list(found.values())


def places(killer: Killer, there: list[Database], *, everywhere: bool) -> list[Database]:
    """Return where a killer runs: on the first database that it fits, or on all; nowhere when none does."""
    fitting = [database for database in there if database.vendor in killer.on]
    return fitting if everywhere else fitting[:1]


def needed(vendors: Iterable[str]) -> str:
    """Say which databases would do."""
    return " or ".join(LABELS[vendor] for vendor in vendors)
