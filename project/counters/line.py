"""The attempts of a job on one line of time, by the parts that the admin's page of a job is made of, and in words."""

from __future__ import annotations

from typing import Any

from django.tasks import task_backends

from jobqueue.admin import glance
from jobqueue.admin.runs import Run, runs_of
from jobqueue.admin.timeline import timeline
from jobqueue.admin.times import between, moment
from jobqueue.spelling import spelled

from .live import LiveJob, worker_name


def line_of(job: LiveJob) -> dict[str, Any]:
    """Return what the admin's template of the line shows, and in `words` what it says."""
    glance.look([job.row])
    runs = runs_of(job.row, job.attempts)
    line = timeline(runs, period=task_backends["default"].settings.lease_seconds)  # type: ignore[attr-defined]
    return {
        "runs": [{"run": run, "bar": bar} for run, bar in zip(runs, line.bars, strict=True)],
        "from": moment(line.first),
        "long": between(line.first, line.last),
        "is_drawn": line.first is not None,
        "words": [_words(run) for run in runs],
    }


def _words(run: Run) -> str:
    attempt = run.attempt
    how = "running" if run.running else spelled(attempt.get_outcome_display().lower())
    facts = [f"{how} {'for' if run.running else 'after'} {run.duration}", _number(attempt.renewals, "renewal")]
    if attempt.refused_writes:
        facts.append(f"{_number(attempt.refused_writes, 'late write')} refused")
    return f"Attempt {attempt.number} on {worker_name(attempt.worker_id)}: {', '.join(facts)}."


def _number(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
