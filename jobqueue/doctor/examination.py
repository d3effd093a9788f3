"""The examination: all looks in turn, and what becomes of one that fails or takes too long."""

from __future__ import annotations

from collections.abc import Iterator

from ..spelling import on_one_line
from . import clocks, jobs, ledger, redis_servers, servers, settings, tables, workers
from .finding import Finding, Level
from .looks import Look, take

SECONDS = 5.0


def looks() -> Iterator[Look]:
    """Yield every look; those that open the way to others come before them."""
    for room in (settings, servers, tables, redis_servers, clocks, workers, jobs, ledger):
        yield from room.looks()


def examine(seconds: float = SECONDS) -> Iterator[Finding]:
    """Yield what is found, each look in so many seconds at most."""
    closed: set[str] = set()
    for look in looks():
        if look.needs & closed:
            continue
        try:
            findings = take(look, seconds)
        # Drivers raise what they like when a server answers nonsense; a doctor that falls over helps nobody.
        except Exception as error:
            findings = [_failed(look, on_one_line(str(error).strip() or type(error).__name__))]
        if look.opens and any(finding.level is Level.PROBLEM for finding in findings):
            closed.add(look.opens)
        yield from findings


def _failed(look: Look, why: str) -> Finding:
    if look.failing is not None:
        return look.failing(why)
    return Finding(
        about=look.about,
        level=Level.WARNING,
        says=f"This could not be looked at: {why}",
        means="It may be well or not.",
        do="Ask again when the server has less to do, or as a user who may know, and with a longer --timeout.",
    )
