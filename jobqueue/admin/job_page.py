"""The page of one job: all that is known of it, put in the order in which it happened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.tasks import TaskResultStatus
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..database import alias
from ..ledger import step_scope
from ..models import Attempt, Job, LedgerEntry, Worker
from . import cells
from .alerts import alerts
from .backends import task_of
from .glance import glance_of
from .inert import as_json, inert
from .runs import Run, runs_of
from .states import attempt_state, mark, state_of
from .timeline import Bar, bars
from .times import between, moment

_MOST = 100
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
    bar: Bar | None


def job_page(job: Job) -> dict[str, Any]:
    """Return what the template shows of a job that has been looked at."""
    glance = glance_of(job)
    attempts = list(reversed(Attempt.objects.using(alias()).filter(job_id=job.pk).order_by("-number")[:_MOST]))
    runs = runs_of(job, attempts)
    steps = LedgerEntry.objects.using(alias()).filter(scope=step_scope(job.pk)).order_by("id")[:_MOST]
    state = state_of(job, glance.now)
    return {
        "task": cells.task_name(job.task_path),
        "badges": cells.task_badges(known=glance.known, effects=glance.effects, paused=glance.paused),
        "mark": mark(state.shape, state.word),
        "detail": state.detail,
        "times": _times(job, glance.now),
        "alerts": alerts(job),
        "running": job.status == TaskResultStatus.RUNNING,
        "lease": cells.lease(glance.sign),
        "owner": cells.owner_of(job, glance),
        "progress": next((cells.progress(r.attempt.progress) for r in reversed(runs) if r.attempt.progress), None),
        "facts": _facts(job, glance.effects),
        "arguments": as_json(job.arguments),
        "finished_well": job.status == TaskResultStatus.SUCCESSFUL,
        "result": as_json(job.result),
        "runs": _rows(runs),
        "is_gapped": len(runs) < job.attempt,
        "steps": [_step(entry) for entry in steps],
    }


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
        shown.append((word, moment(at), f"+{between(before, at)}" if before else _("%s ago") % between(at, now)))
        before = at
    return shown


def _facts(job: Job, effects: str) -> list[Fact]:
    """Return what the job is, as far as it does not change."""
    task = task_of(job.task_path)
    return [
        (_("id"), str(job.pk)),
        (_("task"), cells.jobs_link(inert(job.task_path), task=job.task_path)),
        (_("queue"), cells.jobs_link(inert(job.queue), queue=job.queue)),
        (_("priority"), job.priority),
        (_("backend"), inert(job.backend)),
        (_("effects"), effects or cells.NOTHING),
        (_("timeout"), f"{task.timeout:g} s" if task and task.timeout else cells.NOTHING),
        (_("idempotency key"), inert(job.idempotency_key) if job.idempotency_key is not None else cells.NOTHING),
        (_("fence"), f"{job.attempt} · {job.token or _('no token')}" if job.attempt else cells.NOTHING),
        (_("failures / crashes"), f"{job.failures} / {job.crashes}"),
    ]


def _rows(runs: list[Run]) -> list[RunRow]:
    # Rows of workers go some time after the workers.
    owners = Worker.objects.using(alias()).filter(pk__in={run.attempt.worker_id for run in runs})
    there = set(owners.values_list("pk", flat=True))
    return [_row(run, bar, there) for run, bar in zip(runs, bars(runs), strict=True)]


def _row(run: Run, bar: Bar | None, workers: set[str]) -> RunRow:
    attempt = run.attempt
    state = attempt_state(attempt, running=run.running)
    return RunRow(
        run=run,
        mark=mark(state.shape, state.word),
        owner=cells.owner(attempt.worker_id, attempt.pid, exists=attempt.worker_id in workers),
        renewed=moment(attempt.renewed_at),
        started=moment(run.started),
        ended=moment(run.ended),
        progress=cells.progress(attempt.progress),
        exception=inert(attempt.exception_class),
        traceback=inert(attempt.traceback),
        bar=bar,
    )


def _step(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "key": cells.link("ledgerentry", entry.pk, inert(entry.key)),
        "attempt": entry.attempt,
        "at": moment(entry.created_at),
        "value": as_json(entry.value),
    }
