"""The jobs that one waits for, and those that wait for it, as its page shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as __

from ..models import Job
from ..relatives import Relative, later_than
from . import cells
from .inert import inert
from .states import mark, state_of

# What becomes of this job when an earlier one fails, and of a later one when this job does.
_THIS_ONE = {
    "cancel": __("this job is cancelled"),
    "fail": __("this job fails"),
    "run": __("this job runs all the same"),
}
_THAT_ONE = {"cancel": __("it is cancelled"), "fail": __("it fails"), "run": __("it runs all the same")}


@dataclass(frozen=True, slots=True)
class RelativeRow:
    """Another job as the page shows it."""

    name: SafeString
    mark: SafeString
    detail: str
    if_it_fails: str | Promise


def earlier_rows(earlier: Iterable[Relative], now: datetime) -> list[RelativeRow]:
    """Return the jobs for which one waits, or has waited."""
    return _rows(earlier, now, _THIS_ONE)


def later_rows(job: Job, now: datetime) -> list[RelativeRow]:
    """Return the jobs that wait, or have waited, for one."""
    return _rows(later_than(job.pk), now, _THAT_ONE)


def _rows(relatives: Iterable[Relative], now: datetime, failures: Mapping[str, Promise]) -> list[RelativeRow]:
    return [_row(relative, now, failures.get(relative.on_failure, "")) for relative in relatives]


def _row(relative: Relative, now: datetime, failure: str | Promise) -> RelativeRow:
    job = relative.job
    if job is None:
        return RelativeRow(inert(str(relative.job_id)), mark("stopped", _("pruned")), "", failure)
    state = state_of(job, now)
    name = format_html("{}<small>{}</small>", cells.link("job", job.pk, inert(job.task_path)), job.pk)
    return RelativeRow(name, mark(state.shape, state.word), state.detail, failure)
