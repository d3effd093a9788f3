"""How much was done, how long it waited and ran, how much failed: by minute, hour and day, from the tallies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.dateformat import format as formatted
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from .. import tallies
from ..tallies import DAY, HOUR, MINUTE, Count, Series, quantile
from .charts import Line, bars, curves
from .inert import inert
from .numbers import number
from .pages import page
from .times import span


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back a page looks, and in what steps; `each` is how a moment is told."""

    name: str
    label: str | Promise
    step: timedelta
    number: int
    each: str | Promise


REACHES = {
    reach.name: reach
    for reach in (
        Reach("hour", gettext_lazy("1 hour, by minute"), MINUTE, 60, pgettext_lazy("date format", "H:i")),
        Reach("day", gettext_lazy("24 hours, by hour"), HOUR, 24, pgettext_lazy("date format", "d. H:i")),
        Reach("month", gettext_lazy("30 days, by day"), DAY, 30, pgettext_lazy("date format", "Y-m-d")),
    )
}


class PlotsAdmin(admin.ModelAdmin):
    """Adds the page of plots."""

    def get_urls(self) -> list[Any]:
        """Return the address of that page, and the rest."""
        view = self.admin_site.admin_view(self.plots_view)
        return [path("plots/", view, name="jobqueue_job_plots"), *super().get_urls()]

    def plots_view(self, request: HttpRequest) -> HttpResponse:
        """Show the plots of all queues, or of one."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        reach = REACHES.get(request.GET.get("reach", ""), REACHES["hour"])
        now = tallies.now()
        counted = tallies.entries(now - reach.number * reach.step)
        queues = sorted({entry.key.queue for entry in counted if entry.key.queue})
        queue = request.GET.get("queue", "")
        some = [entry for entry in counted if not queue or entry.key.queue == queue]
        found = tallies.series(some, reach.step, reach.number, by=lambda _key: None, until=now)
        context = {
            "reaches": [(it.label, self._plots_url(it.name, queue), it is reach) for it in REACHES.values()],
            "queues": [
                (inert(name) if name else _("all"), self._plots_url(reach.name, name), name == queue)
                for name in ("", *queues)
            ],
            "plots": _plots(found[None]) if found else [],
            "first": _told(found[None].moments[0], reach) if found else "",
            "table": _table(found[None], reach) if found else [],
        }
        return page(self, request, "plots", _("Plots"), context)

    def _plots_url(self, reach: str, queue: str) -> str:
        url = reverse("admin:jobqueue_job_plots", current_app=self.admin_site.name)
        return f"{url}?{urlencode({'reach': reach, **({'queue': queue} if queue else {})})}"


def _plots(one: Series) -> list[dict[str, Any]]:
    ended = [
        Line(_("succeeded"), one.values(lambda it: it.succeeded), "good"),
        Line(_("failed"), one.values(lambda it: it.failed), "bad"),
    ]
    troubled = [
        Line(_("raised, and is tried again"), one.values(lambda it: it.raised), "warn"),
        Line(_("crashed"), one.values(lambda it: it.crashed), "bad"),
    ]
    waits, runs = one.values(lambda it: it.waits), one.values(lambda it: it.runs)
    return [
        _plot(_("Jobs that ended"), bars, ended, number),
        _plot(_("Attempts that raised or crashed"), bars, troubled, number),
        _plot(_("How long jobs waited after they were due"), curves, _shares(waits), span),
        _plot(_("How long attempts ran"), curves, _shares(runs), span),
    ]


def _plot(title: str, draw: Callable[..., Any], lines: list[Line], tell: Callable[[float], str]) -> dict[str, Any]:
    return {"title": title, "chart": draw(lines, tell), "legend": [(line.kind, line.name) for line in lines]}


def _shares(histograms: Sequence[Sequence[int]]) -> list[Line]:
    return [
        Line(_("half within"), [quantile(counts, 0.5) for counts in histograms], "busy"),
        Line(_("95 % within"), [quantile(counts, 0.95) for counts in histograms], "warn"),
    ]


def _told(at: datetime, reach: Reach) -> str:
    return formatted(localtime(at), str(reach.each))


def _table(one: Series, reach: Reach) -> Sequence[Sequence[Any]]:
    """Return what the plots show, in rows: the last one first."""
    return [(_told(at, reach), *_cells(count)) for at, count in zip(one.moments, one.counts, strict=True)][::-1]


def _cells(count: Count) -> list[str]:
    numbers = [number(it) for it in (count.succeeded, count.failed, count.raised, count.crashed)]
    shares = [quantile(counts, share) for counts in (count.waits, count.runs) for share in (0.5, 0.95)]
    return [*numbers, *("–" if seconds is None else span(seconds) for seconds in shares)]
