"""What was counted of tasks lately: how long their jobs waited and ran, and how many failed. Asked of tallies alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, cast

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from .. import tallies
from ..models import TaskDefinition
from ..tallies import HOUR, MINUTE, Count, quantile
from . import cells
from .glance import now_of
from .numbers import number
from .times import span

_MINUTES = 60
_A_DAY = timedelta(days=1)


def look(definitions: Sequence[TaskDefinition]) -> None:
    """Give each of some tasks what was counted of it in the last hour, with one query for all."""
    if not definitions:
        return
    now = now_of(definitions[0])
    entries = tallies.entries(now - HOUR, task_path__in=[it.path for it in definitions])
    found = tallies.series(entries, MINUTE, _MINUTES, by=lambda key: (key.backend, key.task_path), until=now)
    for definition in definitions:
        series = found.get((definition.backend, definition.path))
        definition.__dict__["last_hour"] = series.whole if series else Count()


def lately_of(definition: TaskDefinition) -> list[tuple[str, list[Any]]]:
    """Return the lines of a table: a span, and the numbers of one task in it."""
    now = now_of(definition)
    entries = tallies.entries(now - _A_DAY, task_path=definition.path, backend=definition.backend)
    hour = tallies.series(entries, MINUTE, _MINUTES, by=lambda _key: None, until=now).get(None)
    return [
        (_("last hour"), _cells(hour.whole if hour else Count())),
        (_("last day"), _cells(_sum(entry.counted for entry in entries))),
    ]


def quantiles(definition: TaskDefinition, what: str) -> SafeString:
    """Return p50 and p95 of what a task "waits" or "runs" of the last hour, which was looked up."""
    histogram = getattr(_last_hour(definition), what)
    half, most = quantile(histogram, 0.5), quantile(histogram, 0.95)
    if half is None or most is None:
        return cells.NOTHING
    return format_html('p50 {}<small class="jq-detail">p95 {}</small>', span(half), span(most))


def failures(definition: TaskDefinition) -> SafeString:
    """Return how many jobs of the last hour failed, linked to them, and of how many that ended."""
    count = _last_hour(definition)
    if not count.ended:
        return cells.NOTHING
    failed = cells.jobs_link(number(count.failed), task=definition.path, status="FAILED") if count.failed else "0"
    of = _("of %(count)s") % {"count": number(count.ended)}
    return format_html('{}<small class="jq-detail">{}</small>', failed, of)


def _last_hour(definition: TaskDefinition) -> Count:
    return cast(Count, definition.__dict__.get("last_hour") or Count())


def _sum(counts: Iterable[Count]) -> Count:
    whole = Count()
    for count in counts:
        whole.add(count)
    return whole


def _cells(count: Count) -> list[Any]:
    numbers = (count.succeeded, count.failed, count.raised, count.crashed)
    times = (quantile(histogram, share) for histogram in (count.waits, count.runs) for share in (0.5, 0.95))
    return [*map(number, numbers), *(cells.NOTHING if it is None else span(it) for it in times)]
