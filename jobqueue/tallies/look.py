"""look: what was counted lately, as one number for each minute, hour or day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connections

from ..database import alias, clock
from .count import Count, Key
from .rows import all_rows, count_of, key_of

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Entry(NamedTuple):
    """What was counted of a key in the span that begins then."""

    at: datetime
    key: Key
    counted: Count


@dataclass(frozen=True, slots=True)
class Series:
    """Counts of equal spans, the oldest first; the last one has not ended."""

    span: timedelta
    moments: list[datetime]
    counts: list[Count]

    @property
    def whole(self) -> Count:
        """The sum of all of them."""
        whole = Count()
        for count in self.counts:
            whole.add(count)
        return whole

    def values(self, what: Callable[[Count], Any]) -> list[Any]:
        """Return one value for each span."""
        return [what(count) for count in self.counts]


def now() -> datetime:
    """Return what time it is by the database's clock."""
    return clock(connections[alias()])


def entries(since: datetime, **only: Any) -> list[Entry]:
    """Return what was counted since then; `only` are columns and their values."""
    rows = all_rows().filter(at__gte=since, **only).iterator(chunk_size=2000)
    return [Entry(row.at, key_of(row), count_of(row)) for row in rows]


def series(
    some: Iterable[Entry], span: timedelta, number: int, *, by: Callable[[Key], Any], until: datetime
) -> dict[Any, Series]:
    """Return the last spans, that many, of each group of keys: `by` says to which group one belongs.

    A group of which nothing was counted is not there. What is older than the first span is left out.
    """
    seconds = int(span.total_seconds())
    last = int(until.timestamp()) // seconds
    first = last - number + 1
    moments = [datetime.fromtimestamp(place * seconds, UTC) for place in range(first, last + 1)]
    found = dict[Any, Series]()
    for at, key, counted in some:
        place = int(at.timestamp()) // seconds - first
        if 0 <= place < number:  # A clock may have been ahead.
            group = by(key)
            if group not in found:
                found[group] = Series(span, moments, [Count() for _ in moments])
            found[group].counts[place].add(counted)
    return found
