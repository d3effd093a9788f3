"""Rows of tallies, and what they say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..database import alias
from ..models import Tally
from .count import NUMBERS, Count, Key
from .histogram import BUCKETS


def all_rows() -> Any:
    """Return the rows that there are, on the database of the jobs."""
    return Tally._default_manager.using(alias())


def row_of(key: Key, count: Count, *, at: datetime, span: int) -> Tally:
    """Return the row that says it."""
    numbers = {name: getattr(count, name) for name in NUMBERS}
    return Tally(at=at, span=span, **key._asdict(), **numbers, waits=count.waits, runs=count.runs)


def count_of(row: Tally) -> Count:
    """Return what a row says; of one that somebody else has written to, what is a number of it."""
    numbers = {name: getattr(row, name) for name in NUMBERS}
    return Count(**numbers, waits=_histogram(row.waits), runs=_histogram(row.runs))


def key_of(row: Tally) -> Key:
    """Return of what it was counted."""
    return Key(row.backend, row.queue, row.task_path)


def _histogram(value: Any) -> list[int]:
    counts = value if isinstance(value, list) else []
    return [count if type(count) is int and count > 0 else 0 for count in counts[:BUCKETS]]
