"""Cells that several pages share: owner, lease, task, links."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import Attempt, Job
from .glance import Glance
from .inert import inert
from .signs import Sign
from .times import span

NOTHING = SafeString("–")


def link(model: str, pk: Any, text: Any) -> SafeString:
    """Return a link to a row's page."""
    return format_html('<a href="{}">{}</a>', reverse(f"admin:jobqueue_{model}_change", args=[quote(str(pk))]), text)


def jobs_link(text: Any, **parameters: Any) -> SafeString:
    """Return a link to the list of jobs with these filters."""
    return format_html('<a href="{}?{}">{}</a>', reverse("admin:jobqueue_job_changelist"), urlencode(parameters), text)


def badge(text: str, *, title: str = "", kind: str = "quiet") -> SafeString:
    """Return a small label."""
    return format_html('<span class="jq-badge jq-{}" title="{}">{}</span>', kind, title, text)


def task_name(path: str) -> SafeString:
    """Return a task's path, its last part first to the eye."""
    module, _dot, name = path.rpartition(".")
    return format_html('<span class="jq-task"><b>{}</b><small>{}</small></span>', inert(name), inert(module))


def task_badges(*, known: bool, effects: str, paused: bool) -> SafeString:
    """Return the labels of a task that needs attention."""
    labels = []
    if not known:
        labels.append(badge(_("unknown here"), title=_("This process has no task of that path."), kind="alarm"))
    if effects == "unfenced":
        labels.append(
            badge("unfenced", title=_("Its own writes are not fenced: after a crash they happen again."), kind="warn")
        )
    if paused:
        labels.append(badge(_("paused"), title=_("Workers do not take it."), kind="warn"))
    return format_html_join(" ", "{}", ((label,) for label in labels))


def tags(names: Iterable[str]) -> SafeString:
    """Return the tags of a job, each a link to the jobs that have it."""
    return format_html_join(" ", '<span class="jq-tag">{}</span>', ((jobs_link(inert(it), tag=it),) for it in names))


def owner(worker_id: str, pid: int | None, *, exists: bool) -> SafeString:
    """Return a worker's id, linked when it has a row, and the process that runs or ran the job."""
    if not worker_id:
        return NOTHING
    name = link("worker", worker_id, inert(worker_id)) if exists else inert(worker_id)
    process = format_html("<small>{}</small>", _("pid %(pid)s") % {"pid": pid} if pid else "") if pid else ""
    return format_html('<span class="jq-owner">{}{}</span>', name, process)


def owner_of(job: Job, glance: Glance) -> SafeString:
    """Return the owner of a job's last claim."""
    pid = (glance.sign and glance.sign.pid) or (glance.attempt and glance.attempt.pid)
    return owner(job.worker_id, pid or None, exists=glance.worker is not None)


def lease(sign: Sign | None) -> SafeString:
    """Return what is left of a lease as a bar and in seconds, and how often it was renewed."""
    if sign is None:
        return format_html('<span class="jq-lease jq-lapsed">{}</span>', _("no lease, no heartbeat"))
    left = _("%(time)s left") % {"time": span(sign.left)} if sign.left > 0 else _("lapsed")
    told = [ngettext("%(count)s renewal", "%(count)s renewals", sign.renewals) % {"count": sign.renewals}]
    if sign.heartbeat_age is not None:
        told.append(_heartbeat(sign.heartbeat_age))
    return _bar(_share(sign.left, sign.period), left, " · ".join(told))


def heartbeat(age: float, period: float) -> SafeString:
    """Return the age of a heartbeat, and as a bar what is left until its worker counts as dead."""
    return _bar(_share(period - age, period), _heartbeat(age), _("lease %(time)s") % {"time": span(period)})


def _heartbeat(age: float) -> str:
    return _("heartbeat %(time)s ago") % {"time": span(age)}


def _share(left: float, period: float) -> float:
    """Return a share of a period; of one that no worker of ours has, nothing."""
    share = left / period if period > 0 else 0.0
    return share if isfinite(share) else 0.0


def _bar(share: float, text: str, small: str) -> SafeString:
    share = max(0.0, min(1.0, share))
    # A third is left after two renewals in a row did not come.
    level = "lapsed" if share == 0 else ("low" if share < 1 / 3 else "held")
    return format_html(
        '<span class="jq-lease jq-{}">'
        '<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="{}" height="8"/></svg>'
        "<span>{}</span><small>{}</small></span>",
        level,
        f"{share * 100:.1f}",
        text,
        small,
    )


def preformatted(text: SafeString) -> SafeString:
    """Return inert text in a box that scrolls."""
    return format_html('<pre class="jq-text" tabindex="0">{}</pre>', text)


def progress(value: Any) -> SafeString:
    """Return how far a job says it is, as ``30 / 100 rows read``."""
    if not isinstance(value, dict):
        return NOTHING
    done, total, note = (value.get(key) for key in ("done", "total", "note"))
    text = f"{done} / {total}" if total is not None else f"{done}"
    return inert(f"{text} {note}" if note else text, most=200)


def progress_bar(value: Any) -> SafeString:
    """Return the same with a bar; one that only moves when it is not known how much there is to do."""
    if not isinstance(value, dict):
        return NOTHING
    done, total = (_number(value.get(key)) for key in ("done", "total"))
    text = progress(value)
    if done is None:
        return text
    bar = format_html('<progress aria-label="{}"></progress>', _("Progress"))
    percent = SafeString("")
    if total is not None and total > 0:
        share = max(0.0, min(1.0, done / total))
        bar = format_html(
            '<progress aria-label="{}" max="100" value="{}"></progress>', _("Progress"), f"{share * 100:.1f}"
        )
        percent = format_html(" <b>{}</b>", f"{share:.0%}")
    return format_html('<span class="jq-bar">{}{} <span>{}</span></span>', bar, percent, text)


def _number(value: Any) -> float | None:
    """Return a number that was reported; None for what no body of ours has."""
    return float(value) if type(value) in (int, float) and abs(value) < 2**1000 and isfinite(value) else None


def small_progress(attempt: Attempt | None) -> SafeString:
    """Return how far a running job says it is, as a quiet line; nothing when it has not said."""
    if attempt is None or not attempt.progress:
        return SafeString("")
    return format_html('<small class="jq-progress">{}</small>', progress(attempt.progress))
