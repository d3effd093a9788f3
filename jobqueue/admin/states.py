"""The state of a job in a word and a shape; colour only repeats it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.tasks import TaskResultStatus
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from ..models import Attempt, Gate, Job, Outcome
from ..spelling import spelled
from .times import span

# Django's own words for it, which its catalogs have in few languages.
_STATUSES = (
    pgettext_lazy("Task", "Ready"),
    pgettext_lazy("Task", "Running"),
    pgettext_lazy("Task", "Failed"),
    pgettext_lazy("Task", "Successful"),
)


class State(NamedTuple):
    """A state as it is shown: the shape's name, its word, and why or when in a few words."""

    shape: str
    word: str
    detail: str


def state_of(job: Job, now: datetime) -> State:
    """Return the state of a job. Delayed and retrying are both READY, so the detail tells them apart."""
    word = spelled(job.get_status_display())
    outcome = spelled(job.get_outcome_display()) if job.outcome else ""
    if job.status == TaskResultStatus.READY and job.gate:
        gate = spelled(job.get_gate_display())
        return State("later", word, f"{outcome}, {gate}" if outcome else gate)
    if job.status == TaskResultStatus.READY:
        wait = (job.due_at - now).total_seconds()
        due = _("due in %(time)s") % {"time": span(wait)} if wait > 0 else _due(job)
        shape = "again" if job.failures or job.crashes else ("later" if wait > 0 else "ready")
        return State(shape, word, f"{outcome}, {due}" if outcome else due)
    if job.status == TaskResultStatus.RUNNING:
        return State("running", word, "")
    if job.status == TaskResultStatus.SUCCESSFUL:
        return State("successful", word, "")
    return State("cancelled" if job.outcome == Outcome.CANCELLED else "failed", word, outcome)


def _due(job: Job) -> str:
    """Return that a job is due, or what it waits for beside its time."""
    return _("due") if job.gate == Gate.OPEN else spelled(job.get_gate_display())


def attempt_state(attempt: Attempt, *, running: bool) -> State:
    """Return the state of an attempt."""
    if not attempt.outcome:
        return State("running", _("running"), "") if running else State("again", _("not told"), "")
    shapes: dict[str, str] = {Outcome.OK: "successful", Outcome.RELEASED: "again", Outcome.CANCELLED: "cancelled"}
    # A newer version, or somebody else, may have written a word that is none here.
    return State(shapes.get(attempt.outcome, "failed"), spelled(attempt.get_outcome_display()), "")


def mark(shape: str, word: str) -> SafeString:
    """Return a word with its shape before it."""
    # The shapes are drawn, not taken from a font, so that they look the same everywhere.
    drawn = mark_safe(_SHAPES[shape])  # noqa: S308  (a constant)
    icon = format_html('<svg class="jq-shape" viewBox="0 0 16 16" aria-hidden="true">{}</svg>', drawn)
    return format_html('<span class="jq-state jq-{}">{}{}</span>', shape, icon, word)


_RING = '<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="2"/>'
_DISC = '<circle cx="8" cy="8" r="7" fill="currentColor"/>'
_SHAPES = {
    "ready": _RING,
    "later": _RING + '<path d="M8 4.5V8l2.5 1.5" fill="none" stroke="currentColor" stroke-width="1.6"/>',
    "again": '<path d="M13 8a5 5 0 1 1-1.6-3.7" fill="none" stroke="currentColor" stroke-width="2"/>'
    '<path d="M14 1v5H9z" fill="currentColor"/>',
    "running": '<path d="M3 1.5v13L14 8z" fill="currentColor"/>',
    "successful": _DISC + '<path class="jq-cut" d="M4.5 8.3l2.4 2.4 4.6-5"/>',
    "failed": '<path d="M8 0l8 8-8 8-8-8z" fill="currentColor"/><path class="jq-cut" d="M8 4v5M8 10.6v1.6"/>',
    "cancelled": _RING + '<path d="M4 12l8-8" fill="none" stroke="currentColor" stroke-width="2"/>',
    "alive": _DISC,
    "dead": '<path d="M3 3l10 10M13 3L3 13" fill="none" stroke="currentColor" stroke-width="2.5"/>',
    "stopped": '<rect x="2.5" y="2.5" width="11" height="11" fill="currentColor"/>',
}
