"""The page of one job: all that is known of it, put in the order in which it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.tasks import TaskResultStatus
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..backend import backend_of
from ..database import alias
from ..deliveries import Delivery, read
from ..errors import InvalidRow
from ..ledger import scopes_of
from ..models import Attempt, AttemptLog, Gate, Job, LedgerEntry, Worker
from ..relatives import earlier_than
from ..spelling import spelled
from ..tags import tags_of
from . import cells
from .alerts import alerts
from .glance import glance_of
from .inert import inert
from .limits import limit_of
from .payloads import arguments_of, receipt_of, result_of, step_of
from .relatives import earlier_rows, later_rows
from .runs import Run, runs_of
from .states import attempt_state, mark, state_of
from .tasks import task_of
from .timeline import Bar, timeline
from .times import between, moment, span
from .waiting import reasons
from .withheld import is_withheld, mark_like, not_shown

_MOST = 100
# Each may be tens of kilobytes.
_MOST_LOGS = 20
# A job that is due when it is enqueued has nothing to tell of that.
_AT_ONCE = timedelta(seconds=1)
Fact = tuple[str | Promise, Any]


@dataclass(frozen=True, slots=True)
class RunRow:
    """A claim as the page shows it."""

    run: Run
    mark: SafeString
    owner: SafeString
    renewed: SafeString
    started: SafeString
    ended: SafeString
    progress: SafeString
    exception: SafeString
    traceback: SafeString
    log: SafeString
    log_lines: int
    bar: Bar | None


def job_page(job: Job, *, decide_url: Callable[[Delivery], str | None]) -> dict[str, Any]:
    """Return what the template shows of a job that has been looked at; ``decide_url`` is where doubts are decided."""
    glance = glance_of(job)
    attempts = list(reversed(Attempt.objects.using(alias()).filter(job_id=job.pk).order_by("-number")[:_MOST]))
    runs = runs_of(job, mark_like(job, attempts))
    steps, delivered, kept = (mark_like(job, entries) for entries in _entries(job))
    state, earlier = state_of(job, glance.now), earlier_than(job.pk)
    return {
        "task": cells.task_name(job.task_path),
        "badges": cells.task_badges(known=glance.known, effects=glance.effects, paused=glance.paused),
        "mark": mark(state.shape, state.word),
        "detail": state.detail,
        "status": spelled(job.status),
        "times": _times(job, glance.now),
        "alerts": alerts(job),
        "why": reasons(job, earlier),
        "running": job.status == TaskResultStatus.RUNNING,
        "lease": cells.lease(glance.sign),
        "owner": cells.owner_of(job, glance),
        "progress": next((cells.progress_bar(r.attempt.progress) for r in reversed(runs) if r.attempt.progress), None),
        "facts": _facts(job, glance.effects),
        "arguments": arguments_of(job),
        "finished_well": job.status == TaskResultStatus.SUCCESSFUL,
        "result": result_of(job),
        **_story(job, runs),
        "waits": job.status == TaskResultStatus.READY and job.gate == Gate.AFTER,
        "earlier": earlier_rows(earlier, glance.now),
        "later": later_rows(job, glance.now),
        "is_gapped": len(runs) < job.attempt,
        "steps": [_step(entry, job) for entry in steps],
        "deliveries": [_delivery(entry, job, decide_url) for entry in delivered],
        "checkpoints": [_step(entry, job) for entry in kept],
    }


def _entries(job: Job) -> list[list[LedgerEntry]]:
    """Return what the ledger has of a job: the first steps, deliveries and checkpoints, with one query."""
    scopes = scopes_of(job.pk)
    # By scope: steps come last, and there may be very many.
    rows = LedgerEntry.objects.using(alias()).filter(scope__in=scopes).order_by("scope", "id")[: len(scopes) * _MOST]
    found: dict[str, list[LedgerEntry]] = {scope: [] for scope in scopes}
    for entry in rows:
        found[entry.scope].append(entry)
    return [entries[:_MOST] for entries in found.values()]


def _times(job: Job, now: Any) -> list[tuple[str, SafeString, str]]:
    """Return the line of moments: what, when, and how long after the one before."""
    line = [
        (_("enqueued"), job.enqueued_at),
        (_("due"), job.due_at if job.due_at - job.enqueued_at > _AT_ONCE else None),
        (_("first started"), job.first_started_at),
        (_("last started"), job.started_at if job.started_at != job.first_started_at else None),
        (_("last step"), job.fenced_at),
        (_("finished"), job.finished_at),
    ]
    there = sorted(((at, word) for word, at in line if at), key=lambda item: item[0])
    shown = []
    before = None
    for at, word in there:
        shown.append(
            (word, moment(at), f"+{between(before, at)}" if before else _("%(time)s ago") % {"time": between(at, now)})
        )
        before = at
    return shown


def _facts(job: Job, effects: str) -> list[Fact]:
    """Return what the job is, as far as it does not change."""
    task, backend = task_of(job.task_path), backend_of(job.backend)
    limit = backend.settings.time_limit(task.timeout) if task and backend else None
    return [
        (_("id"), str(job.pk)),
        (_("task"), cells.jobs_link(inert(job.task_path), task=job.task_path)),
        (_("queue"), cells.jobs_link(inert(job.queue), queue=job.queue)),
        (_("priority"), job.priority),
        (_("tags"), cells.tags(tags_of(job.pk)) or cells.NOTHING),
        (_("backend"), inert(job.backend)),
        (_("effects"), inert(effects) if effects else cells.NOTHING),
        (_("timeout"), span(limit) if limit else cells.NOTHING),
        (_("idempotency key"), inert(job.idempotency_key) if job.idempotency_key is not None else cells.NOTHING),
        (_("unique"), _unique(job)),
        (_("limit"), limit_of(job)),
        (_("fence"), f"{job.attempt} · {job.token or _('no token')}" if job.attempt else cells.NOTHING),
        (_("failures / crashes"), f"{job.failures} / {job.crashes}"),
    ]


def _unique(job: Job) -> Any:
    if job.unique_key is None:
        return cells.NOTHING
    held = _("holds its key") if job.holds_its_key else _("its key is free")
    return inert(f"{job.unique_while}, {held}")


def _story(job: Job, runs: list[Run]) -> dict[str, Any]:
    # Rows of workers go some time after the workers.
    known = glance_of(job).worker
    there = {known.pk} if known else set()
    if others := {run.attempt.worker_id for run in runs} - {job.worker_id, ""}:
        there |= set(Worker.objects.using(alias()).filter(pk__in=others).values_list("pk", flat=True))
    logs = AttemptLog._default_manager.using(alias()).filter(job_id=job.pk).order_by("-id")
    told = dict(logs.values_list("token", "lines")[:_MOST_LOGS]) if runs else {}
    if is_withheld(job):
        told = dict.fromkeys(told, not_shown())
    backend = backend_of(job.backend)
    line = timeline(runs, period=backend.settings.lease_seconds if backend else 0.0)
    return {
        "runs": [
            _row(run, bar, there, told.get(run.attempt.token, "")) for run, bar in zip(runs, line.bars, strict=True)
        ],
        "from": moment(line.first),
        "long": between(line.first, line.last),
        "is_drawn": line.first is not None,
    }


def _row(run: Run, bar: Bar | None, workers: set[str], log: str) -> RunRow:
    attempt = run.attempt
    state = attempt_state(attempt, running=run.running)
    return RunRow(
        run=run,
        mark=mark(state.shape, state.word),
        owner=cells.owner(attempt.worker_id, attempt.pid, exists=attempt.worker_id in workers),
        renewed=moment(attempt.renewed_at),
        started=moment(run.started),
        ended=moment(run.ended),
        progress=cells.progress_bar(attempt.progress),
        exception=inert(attempt.exception_class),
        traceback=inert(attempt.traceback),
        log=inert(log),
        log_lines=log.count("\n") + 1 if log else 0,
        bar=bar,
    )


def _step(entry: LedgerEntry, job: Job) -> dict[str, Any]:
    return {
        "key": cells.link("ledgerentry", entry.pk, inert(entry.key)),
        "attempt": entry.attempt,
        "at": moment(entry.created_at),
        "value": step_of(entry, job),
    }


def _delivery(entry: LedgerEntry, job: Job, decide_url: Callable[[Delivery], str | None]) -> dict[str, Any]:
    shown = {**_step(entry, job), "idempotency_key": "", "state": _("unreadable"), "decide_url": None}
    try:
        delivery = read(entry)
    except InvalidRow:
        return shown
    words = {"done": _("done"), "asked": _("unknown; the next attempt asks"), "in doubt": _("in doubt")}
    # While it is running, it may well come to its receipt.
    under_way = not delivery.is_done and job.status == TaskResultStatus.RUNNING and entry.attempt == job.attempt
    state = _("under way") if under_way else words[delivery.state]
    if delivery.by:
        state = _("%(state)s (so said %(who)s)") % {"state": state, "who": spelled(delivery.by)}
    return {
        **shown,
        "idempotency_key": inert(delivery.key),
        "state": state,
        "decide_url": decide_url(delivery),
        "value": receipt_of(delivery, job),
    }
