"""Why a soak has failed: what was wrong, what overlapped, what took too long, and which defence was never needed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .sometimes import wanted

# A defence may be missed by a run that was too short for one fault of every kind, or that was told which faults.
_ENOUGH_SECONDS = 240.0
_MOST_SHOWN = 10
# Beyond its lease, and while one thing at a time is broken.
OWNERLESS_AT_MOST = 10.0
VENDORS = {"sqlite": "sqlite", "postgresql": "postgresql", "mariadb": "mysql"}
Found = dict[str, Any]


def problems(found: Found) -> list[str]:
    """Return why the soak has failed."""
    texts = []
    for chapter in found["chapters"]:
        where = f"{chapter['database']}, chapter {chapter['chapter']}"
        texts += [f"{where}: {text}" for text in chapter["wrong"][:_MOST_SHOWN]]
        if len(chapter["wrong"]) > _MOST_SHOWN:
            texts.append(f"{where}: … and {len(chapter['wrong']) - _MOST_SHOWN} more")
        if not chapter.get("effects"):
            texts.append(f"{where}: no job did anything")
        if chapter.get("ownerless_seconds", 0.0) > chapter.get("lease_seconds", 0.0) + OWNERLESS_AT_MOST:
            texts.append(f"{where}: a job was without owner for {chapter['ownerless_seconds']:.1f} s")
        texts += [f"{where}: two runs overlapped: {overlap}" for overlap in inexcusable(chapter)]
    return texts + [f"{database}: never needed: {name}" for database, name in never(found)]


def inexcusable(chapter: Found) -> list[Found]:
    """Return the overlaps that no promise allows: nobody had been frozen, and no two systems were broken."""
    return [o for o in chapter.get("overlaps", ()) if not o["thawed"] and len(o["broken"]) < 2]


def never(found: Found) -> list[tuple[str, str]]:
    """Return the defences that were never needed, if there was the time for all of them."""
    if found["faults"] or found["seconds"] < _ENOUGH_SECONDS:
        return []
    return [
        (database, name)
        for database in found["databases"]
        for name in wanted(VENDORS[database])
        if not sometimes(found, database)[name]
    ]


def sometimes(found: Found, database: str) -> Counter[str]:
    """Return how often each defence was needed on a database."""
    return sum((Counter(c["sometimes"]) for c in of(found, database) if "sometimes" in c), Counter())


def of(found: Found, database: str) -> list[Found]:
    """Return the chapters of a database."""
    return [chapter for chapter in found["chapters"] if chapter["database"] == database]
