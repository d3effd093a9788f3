"""Runs of one job that were seen alive at the same time, by what their bodies wrote down. Knows no database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .history import Line

# A body says something every twentieth of a second; one that was silent for longer was not running.
SILENCE = 0.5


@dataclass(slots=True)
class Run:
    """One run of a body: the moments at which it was alive for certain, in order."""

    number: str
    pid: int
    seen: list[float] = field(default_factory=list)


class Overlap(NamedTuple):
    """That a run went on while a later one was under way.

    `thawed` says that it had been silent when the later one began: it was frozen, and woke up too late.
    """

    number: str
    began: float
    seconds: float
    thawed: bool


def runs(lines: Iterable[Line]) -> list[Run]:
    """Return all runs; the lines of a thread are in order, and it runs a job once at a time."""
    found: list[Run] = []
    current: dict[tuple[int, int, str], Run] = {}
    for line in lines:
        who = line.pid, line.thread, line.number
        if line.what == "begin":
            current[who] = Run(line.number, line.pid)
            found.append(current[who])
        run = current.get(who)
        if run is not None and line.what in ("begin", "sign", "replay", "over"):
            run.seen.append(line.at)
        if line.what == "over":
            current.pop(who, None)
    return found


def overlaps(found: Iterable[Run]) -> Iterator[Overlap]:
    """Yield what overlapped."""
    by_number = defaultdict[str, list[Run]](list)
    for run in found:
        by_number[run.number].append(run)
    for number, some in by_number.items():
        some.sort(key=lambda run: run.seen[0])
        for i, early in enumerate(some):
            for late in some[i + 1 :]:
                first, last = late.seen[0], late.seen[-1]
                during = [at for at in early.seen if first <= at <= last]
                if during:
                    before = max(at for at in early.seen if at <= first)
                    yield Overlap(number, first, during[-1] - first, during[0] - before > SILENCE)


def side_by_side(found: Iterable[Run]) -> int:
    """Return how many runs began in a process while another job's was under way there."""
    latest, count = dict[int, float](), 0
    for run in sorted(found, key=lambda run: run.seen[0]):
        count += run.seen[0] < latest.get(run.pid, 0.0)
        latest[run.pid] = max(run.seen[-1], latest.get(run.pid, 0.0))
    return count


def woken(found: Iterable[Run], lease: float) -> int:
    """Return how many runs went on after they had been silent for longer than a lease."""
    return sum(any(b - a > lease for a, b in zip(run.seen, run.seen[1:], strict=False)) for run in found)
