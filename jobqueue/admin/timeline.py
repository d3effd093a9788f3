"""The claims of a job as bars on one line of time, in per mille of its length."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from .runs import Run


class Bar(NamedTuple):
    """Where a claim's bar begins, how long it is, and how much of it was covered by renewals; text, for SVG."""

    start: str
    length: str
    covered: str


def bars(runs: Sequence[Run]) -> list[Bar | None]:
    """Return a bar for each claim; None for one whose times are not known."""
    starts = [run.started for run in runs if run.started and run.end]
    ends = [run.end for run in runs if run.started and run.end]
    if not starts:
        return [None] * len(runs)
    first, last = min(starts), max(end for end in ends if end)
    return [_bar(run, first, last) for run in runs]


def _bar(run: Run, first: datetime, last: datetime) -> Bar | None:
    if not (run.started and run.end):
        return None
    whole = (last - first).total_seconds() or 1e-6

    def share(until: datetime) -> float:
        return max(0.0, (until - first).total_seconds() / whole * 1000)

    start = share(run.started)
    # Even the shortest claim is to be seen.
    length = max(4.0, share(run.end) - start)
    renewed = run.attempt.renewed_at or run.started
    covered = min(length, max(0.0, share(renewed) - start))
    return Bar(f"{min(start, 996):.1f}", f"{length:.1f}", f"{covered:.1f}")
