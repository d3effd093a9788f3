"""Rows that are hostile in every column that holds text or JSON, whatever columns there will be."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db import models
from django.utils.timezone import now

from jobqueue.ledger import delivery_scope
from jobqueue.models import (
    Attempt,
    AttemptLog,
    Dependency,
    Job,
    LedgerEntry,
    Limit,
    Outcome,
    PausedQueue,
    SavedView,
    Schedule,
    Tag,
    Tally,
    TaskDefinition,
    Worker,
)
from tests.admin.conftest import make_attempt, make_job, make_worker
from tests.app import tasks

MARKUP = "<q><script>alert(1)</script><img src=/gone onerror=alert(2)>\"'><svg onload=alert(3)>{{ 77*77 }}{% now 'Y' %}"
# Red in a terminal, a line begun anew, the rest reversed, widths of nothing, a formula, a letter that is not seen.
UNSEEN = "\x1b[31mred\r\x9b2J \u202egnp.exe zero\u200bwidth\ufeff \u2028=cmd|' /C calc'!A0 \u2066\U000e0041"
HOSTILE = f"{MARKUP} {UNSEEN} "
# Even where there is room for a word only.
SHORT = "<q>\x1b\u202e\u200b=1"
RAW = frozenset("\x1b\r\x9b\u202e\u200b\ufeff\u2028\u2066\U000e0041")
LONG = HOSTILE * 300
PAYLOAD = {"args": [HOSTILE, {HOSTILE: [HOSTILE]}], "kwargs": {HOSTILE: HOSTILE}}


def text_for(field: Any) -> str:
    """Return a hostile text that fits into a column."""
    most = field.max_length or len(LONG)
    return (LONG if most > 300 else SHORT if most < len(HOSTILE) else HOSTILE)[:most]


def spoil(row: Any, *, but: tuple[str, ...] = ()) -> None:
    """Make every text of a row hostile but for its key and these columns, and every JSON that may be of any shape."""
    for field in row._meta.concrete_fields:
        if field.primary_key or field.name in but:
            continue
        if isinstance(field, models.CharField | models.TextField):
            setattr(row, field.name, text_for(field))
        elif isinstance(field, models.JSONField):
            setattr(row, field.name, [HOSTILE, {HOSTILE: HOSTILE}])
    row.save_base()  # No save() of the model's is asked.


def fill() -> list[Any]:
    """Create a row of every table in every state, all of them hostile, and return those that have a page."""
    worker = make_worker(f"{MARKUP[:80]}\u202e")
    spoil(worker)
    Worker.objects.filter(pk=worker.pk).update(
        executors=[{"pid": HOSTILE, "job": HOSTILE}, HOSTILE, 5], stopped_at=None
    )
    rows: list[Any] = [worker]
    for status in ("READY", "RUNNING", "SUCCESSFUL", "FAILED"):
        job = make_job(status)
        spoil(job, but=("status", "outcome") if status == "READY" else ("status",))
        if status in ("RUNNING", "SUCCESSFUL"):
            Job.objects.filter(pk=job.pk).update(worker_id=worker.pk, arguments=PAYLOAD, result=PAYLOAD)
        attempt = make_attempt(job)
        spoil(attempt)
        Attempt.objects.filter(pk=attempt.pk).update(progress={"done": HOSTILE, "total": [1], "note": LONG})
        spoil(AttemptLog(job_id=job.pk, token=attempt.token))
        spoil(Tag(job_id=job.pk))
        rows.append(job)
    odd = make_job("FAILED")
    spoil(odd)
    for job_id, scope in ((rows[2].pk, f"step:{rows[2].pk}"), (uuid.uuid4(), f"enqueue:{MARKUP}")):
        entry = LedgerEntry(job_id=job_id, created_at=now())
        spoil(entry)
        LedgerEntry.objects.filter(pk=entry.pk).update(scope=scope)
        rows.append(entry)
    kept = LedgerEntry.objects.create(scope="enqueue:kept", key=SHORT, job_id=uuid.uuid4(), created_at=now())
    LedgerEntry.objects.filter(pk=kept.pk).update(
        value={"task_path": HOSTILE, "arguments": PAYLOAD, "result": PAYLOAD, "errors": [{HOSTILE: HOSTILE}]}
    )
    definition = TaskDefinition(path=HOSTILE, priority=0, max_attempts=1, synced_at=now())
    spoil(definition)
    spoil(Tally(at=now(), span=60, succeeded=3, failed=2))
    _saved_views()
    _relate(rows[1], odd)
    doubted = _in_doubt()
    return [*rows, odd, kept, definition, doubted, *_deliveries(doubted, odd), *_schedules(), _limit(), _paused_queue()]


def _saved_views() -> None:
    """Keep filters for everybody who may be there: one that is nonsense, and one that is a link."""
    for user in User.objects.all():
        for number, query in enumerate((HOSTILE, urlencode({"q": HOSTILE}))):
            SavedView.objects.create(user=str(user.pk), name=f"{number}{SHORT}", query=query)
    spoil(SavedView())


def _relate(later: Job, earlier: Job) -> None:
    """Have one job wait for the other, for one that was pruned, and for a COMMIT."""
    for position, after in enumerate((earlier.pk, uuid.uuid4())):
        spoil(Dependency(job_id=later.pk, after_id=after, position=position))
    LedgerEntry.objects.create(scope="waits", key=str(later.pk), job_id=later.pk, value=HOSTILE, created_at=now())


def _in_doubt() -> Job:
    """Create a job of which nobody knows what it has delivered outside the database."""
    job = make_job("FAILED")
    spoil(job, but=("status",))
    Job.objects.filter(pk=job.pk).update(outcome=Outcome.IN_DOUBT)
    return job


def _deliveries(doubted: Job, odd: Job) -> Iterator[LedgerEntry]:
    """Yield what is told of effects outside the database: done, to be asked for, in doubt; and nonsense."""
    told = ({"receipt": PAYLOAD, "by": HOSTILE}, {"lookup": True}, None, PAYLOAD)
    for number, (job, value) in enumerate(zip((doubted, doubted, doubted, odd), told, strict=True)):
        entry = LedgerEntry(job_id=job.pk, created_at=now())
        spoil(entry)
        entry.scope, entry.key, entry.value = delivery_scope(job.pk), f"{number}{entry.key}"[:255], value
        entry.save()
        yield entry


def _schedules() -> Iterator[Schedule]:
    """Yield schedules: one of nonsense alone, one of a task that there is, and the same declared in code."""
    moments = dict.fromkeys(("starts_at", "ends_at", "next_at", "last_run_at"), now() + timedelta(hours=1))
    for name, columns in (
        ("a", {}),
        ("b", {"task_path": tasks.echo.module_path, "arguments": PAYLOAD, "cron": "* * * * *", "time_zone": "UTC"}),
        ("c", {"task_path": tasks.echo.module_path, "arguments": PAYLOAD, "declared": True, "paused": True}),
    ):
        schedule = Schedule(last_job_id=uuid.uuid4(), **moments)
        spoil(schedule)
        Schedule.objects.filter(pk=schedule.pk).update(name=f"{name}{schedule.name}"[:-1], **columns)
        schedule.refresh_from_db()
        yield schedule


def _limit() -> Limit:
    """Create the limit whose key the jobs have."""
    limit = Limit(name=text_for(Limit._meta.get_field("name")), next_at=now() + timedelta(hours=1), used_at=now())
    spoil(limit)
    return limit


def _paused_queue() -> PausedQueue:
    """Pause a queue."""
    paused = PausedQueue(paused_at=now())
    spoil(paused)
    return paused
