"""The claims of a job as bars on one line of time, in per mille of its length.

A bar reaches from the claim to its end. What is covered by renewals is drawn stronger, with a tick for each; behind the
last one is the time for which its worker was still trusted. Only the number of renewals is recorded, and when the last
one was; they come at a fixed rhythm, so the ticks are as far from each other as they were on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from ..models import Outcome
from .runs import Run

# More could not be told apart.
_MOST_TICKS = 100
_LENGTH = 1000.0
_LEAST = 4.0


class Bar(NamedTuple):
    """A claim: where it begins, how long it is, and how much of it was covered by renewals; text, for SVG.

    `ticks` are the places of renewals. `trust` is how far trust reaches beyond what is covered. `refused` is where late
    writes were refused, "" when none were.
    """

    start: str
    length: str
    covered: str
    trust: str
    ticks: list[str]
    refused: str


class Timeline(NamedTuple):
    """A bar for each claim, None for one whose times are not known, and the ends of the line."""

    bars: list[Bar | None]
    first: datetime | None = None
    last: datetime | None = None


def timeline(runs: Sequence[Run], *, period: float) -> Timeline:
    """Return the line on which all claims are; ``period`` is the lease period, in seconds."""
    drawn = [run for run in runs if run.started and run.end]
    if not drawn:
        return Timeline([None] * len(runs))
    first = min(run.started for run in drawn if run.started)
    ends = [at for run in drawn for at in (run.end, _trusted_until(run, period)) if at]
    return Timeline([_bar(run, first, max(ends), period) for run in runs], first, max(ends))


def _trusted_until(run: Run, period: float) -> datetime | None:
    """Return until when the worker of a claim was trusted that it did not end itself, None for one that did."""
    if not (run.running or run.attempt.outcome == Outcome.LOST or run.attempt.refused_writes):
        return None
    renewed = _renewed(run, period)
    return _later(renewed, period) if renewed else None


def _renewed(run: Run, period: float) -> datetime | None:
    """Return when a claim was renewed for the last time, or made."""
    renewed = run.attempt.renewed_at or run.started
    if run.started and run.ended and renewed and renewed > run.ended:
        # A worker that wakes up notes a renewal that nobody believes: what others had believed was over by the end.
        return max(run.started, _later(run.ended, -period))
    return renewed


def _later(moment: datetime, seconds: float) -> datetime:
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:  # It is the end of time, as only others write it.
        return moment


def _bar(run: Run, first: datetime, last: datetime, period: float) -> Bar | None:
    if not (run.started and run.end):
        return None
    whole = (last - first).total_seconds() or 1e-6

    def place(at: datetime) -> float:
        return min(_LENGTH, max(0.0, (at - first).total_seconds() / whole * _LENGTH))

    start = min(place(run.started), _LENGTH - _LEAST)
    # Even the shortest claim is to be seen.
    length = max(_LEAST, place(run.end) - start)
    renewed = _renewed(run, period)
    covered = min(length, max(0.0, place(renewed) - start)) if renewed else 0.0
    until = _trusted_until(run, period)
    trust = max(0.0, place(until) - start - covered) if until else 0.0
    refused = min(start + max(length, covered + trust), _LENGTH - _LEAST) if run.attempt.refused_writes else None
    return Bar(
        start=f"{start:.1f}",
        length=f"{length:.1f}",
        covered=f"{covered:.1f}",
        trust=f"{trust:.1f}",
        ticks=_ticks(run.attempt.renewals, start, covered),
        refused="" if refused is None else f"{refused:.1f}",
    )


def _ticks(renewals: int, start: float, covered: float) -> list[str]:
    if not covered:
        return []
    shown = min(renewals, _MOST_TICKS)
    return [f"{start + covered * (number + 1) / shown:.1f}" for number in range(shown)]
