"""Claims of jobs of which only so many may run at once, by the moments of the database. Asks no database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .kinds import slots_of, unique_key_of


class Claim(NamedTuple):
    """That a job ran from one moment to another, in seconds by the database's clock, and why it ran no longer."""

    number: str
    token: str
    began: float
    ended: float
    outcome: str


class Crowd(NamedTuple):
    """Jobs that ran at once, of which not so many may."""

    name: str
    limit: int
    numbers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.numbers)}, of which {self.limit} may"


def crowds(claims: Iterable[Claim]) -> Iterator[Crowd]:
    """Yield where a claim began while as many as may run had not ended."""
    by_name = defaultdict[tuple[str, int], list[Claim]](list)
    for claim in claims:
        by_name[slots_of(claim.number)].append(claim)
    for (name, limit), some in by_name.items():
        running: list[Claim] = []
        for claim in sorted(some, key=lambda claim: claim.began):
            running = [other for other in running if other.ended > claim.began]
            running.append(claim)
            if len(running) > limit:
                yield Crowd(name, limit, tuple(other.number for other in running))


def crowds_of(numbers: Iterable[str]) -> Iterator[Crowd]:
    """Yield of jobs that were all seen to run at one moment those that are too many."""
    by_name = defaultdict[tuple[str, int], list[str]](list)
    for number in numbers:
        by_name[slots_of(number)].append(number)
    for (name, limit), some in by_name.items():
        if name and len(some) > limit:
            yield Crowd(name, limit, tuple(some))


def active_twice(numbers: Iterable[str]) -> Iterator[str]:
    """Yield of jobs that were all seen to wait or run at one moment those of which there may be one."""
    by_key = defaultdict[str, list[str]](list)
    for number in numbers:
        by_key[unique_key_of(number)].append(number)
    for key, some in by_key.items():
        if key and len(some) > 1:
            yield f"{' and '.join(some)} were active at once"
