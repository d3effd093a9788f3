"""record: what one worker has counted since it wrote last, in rows of its own."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connections

from ..database import alias, clock
from .count import Count, Key
from .rows import all_rows, row_of

# Of rows that no keeper has merged yet.
FRESH = 0


def record(counts: Mapping[Key, Count]) -> None:
    """Write down what was counted in the minute that it is by the database's clock; raises DatabaseError."""
    if counts:
        at = clock(connections[alias()]).replace(second=0, microsecond=0)
        all_rows().bulk_create(row_of(key, count, at=at, span=FRESH) for key, count in sorted(counts.items()))
