"""The first page: what is stuck, why, since when, on whom, and what to press."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import tallies
from ..models import Gate, Worker
from ..tallies import MINUTE, Count, Series, quantile
from . import cells
from .depths import Depth, Place
from .inert import inert
from .liveness import heartbeat_age, is_alive
from .numbers import number
from .queues import presses_of, state_of_queue
from .signs import executors_of, memory_of
from .situation import Situation, situation
from .sparks import spark
from .states import mark
from .times import between, span

_MINUTES = 60
_A_DAY = timedelta(days=1)
_WORKERS_SHOWN = 30
_JOBS_SHOWN = 5
NONE = SafeString('<span class="quiet">0</span>')


def overview(request: HttpRequest) -> dict[str, Any]:
    """Return what the template shows to this user."""
    it = situation()
    counted = tallies.entries(it.now - _A_DAY)
    lately = tallies.series(counted, MINUTE, _MINUTES, by=lambda key: (key.backend, key.queue), until=it.now)
    return {
        "troubles": it.troubles,
        "queues": [_queue(request, it, place, depth, lately.get(place)) for place, depth in it.depths.items()],
        "workers": _workers(it.workers, it.running),
        "more_workers": len(it.workers) - _WORKERS_SHOWN,
        "kept": _kept(counted),
    }


def _queue(request: HttpRequest, it: Situation, place: Place, depth: Depth, lately: Series | None) -> dict[str, Any]:
    backend, name = place
    return {
        "name": cells.jobs_link(inert(name), queue=name),
        "backend": inert(backend),
        "state": state_of_queue(place, it.paused, it.workers),
        "due": _number(depth.due, status="READY", queue=name),
        "held": _held(depth.held, name),
        "delayed": _number(depth.delayed, status="READY", queue=name),
        "running": _number(depth.running, status="RUNNING", queue=name),
        "failed": _number(depth.failed, status="FAILED", queue=name),
        "oldest": between(depth.oldest, it.now) or cells.NOTHING,
        "ended": spark(lately.values(lambda it: it.ended)) if lately else spark([0] * _MINUTES),
        "per_minute": _per_minute(lately),
        "waits": _waits(lately),
        "presses": presses_of(request, backend, name, is_paused=place in it.paused, back="overview"),
    }


def _number(count: int, **filters: str) -> Any:
    return cells.jobs_link(count, **filters) if count else NONE


def _held(held: dict[str, int], queue: str) -> Any:
    """Return how many jobs are held back, and by what; each number leads to them."""
    words = {Gate.LIMIT: _("by a limit"), Gate.AFTER: _("by other jobs"), Gate.COMMIT: _("by a commit")}
    lines = [
        (cells.jobs_link(count, status="READY", gate=gate.value, queue=queue), word)
        for gate, word in words.items()
        if (count := held.get(gate, 0))
    ]
    return format_html_join("", '<span class="jq-gated">{} {}</span>', lines) or NONE


def _per_minute(lately: Series | None) -> str:
    """Return how many jobs ended in a minute of the last ten that are over."""
    ended = sum(lately.values(lambda it: it.ended)[-11:-1]) if lately else 0
    return _("%(count)s a minute") % {"count": number(ended / 10, 1 if ended < 100 else 0)}


def _waits(lately: Series | None) -> Any:
    """Return how long half of the jobs of the last hour have waited at most, and nearly all."""
    waits = lately.whole.waits if lately else []
    half, most = quantile(waits, 0.5), quantile(waits, 0.95)
    if half is None or most is None:
        return cells.NOTHING
    return format_html('p50 {}<small class="jq-detail">p95 {}</small>', span(half), span(most))


def _workers(workers: Sequence[Worker], running: Sequence[tuple[str, str, str, int]]) -> list[dict[str, Any]]:
    counts = Counter[str]()
    for *_place, worker_id, count in running:
        counts[worker_id] += count
    versions = Counter(worker.version for worker in workers if is_alive(worker))
    newest = max(workers, key=lambda worker: worker.started_at).version if workers else ""
    shown = sorted(workers, key=lambda worker: (is_alive(worker), worker.pk))[:_WORKERS_SHOWN]
    return [_worker(worker, counts[worker.pk], newest if len(versions) > 1 else "") for worker in shown]


def _worker(worker: Worker, running: int, newest: str) -> dict[str, Any]:
    alive = is_alive(worker)
    jobs = [job for _pid, job in executors_of(worker) if job]
    memory = memory_of(worker)
    return {
        "name": cells.link("worker", worker.pk, inert(worker.pk)),
        "serves": _serves(worker),
        "is_idle": not running,
        "state": mark("alive", _("alive")) if alive else mark("dead", _("dead")),
        "heartbeat": cells.heartbeat(heartbeat_age(worker), worker.lease_seconds),
        "busy": f"{running} / {worker.seats}",
        "jobs": [cells.link("job", job, inert(job, most=40)) for job in jobs[:_JOBS_SHOWN]],
        "memory": _("%(count)s MB") % {"count": number(memory / 2**20)} if memory else cells.NOTHING,
        "version": inert(worker.version),
        "older": bool(newest) and worker.version != newest,
    }


def _serves(worker: Worker) -> SafeString:
    """Return the queues and the backend that a worker looks at."""
    queues = ", ".join(worker.queue_names()) or _("every queue")
    return format_html("{} · {}", inert(queues, most=60), inert(worker.backend))


def _kept(counted: Sequence[tallies.Entry]) -> list[SafeString]:
    """Return what was promised and kept in the last day."""
    whole = Count()
    for entry in counted:
        whole.add(entry.counted)
    saved = whole.rescued + whole.crashed
    said = (
        (whole.succeeded, ngettext("<b>{count}</b> job done", "<b>{count}</b> jobs done", whole.succeeded)),
        (whole.renewed, ngettext("<b>{count}</b> lease renewed", "<b>{count}</b> leases renewed", whole.renewed)),
        (saved, ngettext("<b>{count}</b> job saved", "<b>{count}</b> jobs saved", saved)),
        (
            whole.refused,
            ngettext("<b>{count}</b> late write refused", "<b>{count}</b> late writes refused", whole.refused),
        ),
    )
    return [format_html(text, count=number(count)) for count, text in said]
