"""Rows of the shop, one of each kind that the admin shows in a way of its own."""

from __future__ import annotations

import uuid
from datetime import timedelta
from math import sin
from typing import Any

from jobqueue import operations, tallies
from jobqueue.ledger import delivery_scope, step_scope
from jobqueue.models import (
    AttemptLog,
    Dependency,
    Job,
    LedgerEntry,
    Limit,
    PausedQueue,
    Schedule,
    Tag,
    Tally,
    TaskDefinition,
)
from jobqueue.tallies.rows import row_of
from tests.admin.conftest import ago, make_attempt, make_job, make_worker
from tests.shop import tasks
from tests.shop.tasks import TASKS

WORKERS = ("web-1-4ec04d65", "web-2-b70b6d1f")
IN_CODE = "nightly report"
GONE = uuid.UUID("019f3c1a-5b7e-7c20-9d11-6a0be4c2f7d8")


def fill() -> dict[str, Any]:
    """Make them, and return those that have a page to be looked at, by name."""
    for name in WORKERS:
        make_worker(name, queues=["default", "mail"], lease_seconds=3600)
    for task in TASKS.values():
        _declare(task)
    _tallies()
    made = {**_limits(), **_doubt(), **_relatives(), **_schedules(), **_failures(), **_frozen()}
    return {**made, "commit": job(tasks.charge, 4720, since=3, gate="commit"), **_pauses()}


def job(task: Any, *args: Any, status: str = "READY", **columns: Any) -> Job:
    """Make a job of one of the tasks."""
    owner = {} if status == "READY" else {"worker_id": WORKERS[0]}
    columns = {"queue": task.queue_name, **owner, **columns}
    return make_job(status, task=task.module_path, arguments=_call(*args), **columns)


def _call(*args: Any) -> dict[str, Any]:
    return {"args": list(args), "kwargs": {}}


def _declare(task: Any) -> None:
    TaskDefinition.objects.create(
        path=task.module_path,
        description=task.func.__doc__,
        backend="default",
        queue=task.queue_name,
        priority=task.priority,
        effects=task.effects or "atomic",
        max_attempts=task.max_attempts or 3,
        timeout=task.timeout,
        synced_at=ago(3000),
    )


def _tallies() -> None:
    """Have workers have counted for the last hour, more and less of it by turns."""
    now = tallies.now().replace(second=0, microsecond=0)
    for task, busy in ((tasks.send_receipt, 40), (tasks.import_prices, 6)):
        for minute in range(60):
            count = tallies.Count(renewed=3 * busy, failed=minute % 30 == 7, refused=minute == 30)
            count.succeeded = round(busy * (1.5 + sin(minute / 6)))
            for number in range(count.ended):
                count.waited(0.004 * (1 + number % 40))
                count.ran(0.02 * (1 + number % 30))
            key = tallies.Key("default", task.queue_name, task.module_path)
            Tally.objects.bulk_create([row_of(key, count, at=now - timedelta(minutes=minute), span=60)])


def _limits() -> dict[str, Any]:
    path, account = tasks.import_prices.module_path, f"{tasks.sync.module_path}:ada"
    for number in range(2):
        row = job(tasks.import_prices, f"prices-{number}.csv", status="RUNNING", since=90 + number, limit_key=path)
        progress = {"done": 340 + 70 * number, "total": 1000, "note": "rows read"}
        make_attempt(row, started_at=row.started_at, renewed_at=ago(1), renewals=16, progress=progress)
    waiting = [job(tasks.import_prices, f"prices-{n}.csv", since=60, limit_key=path, gate="limit") for n in range(2, 9)]
    job(tasks.sync, "ada", status="RUNNING", since=12, limit_key=account)
    limit = Limit.objects.create(name=path, used_at=ago(80))
    Limit.objects.create(name=account, used_at=ago(2), next_at=ago(-100))
    Limit.objects.create(name=f"{tasks.sync.module_path}:grace", used_at=ago(4000))
    Limit.objects.create(name=tasks.send_receipt.module_path, used_at=ago(30))
    return {"limit": limit, "limited": waiting[0]}


def _doubt() -> dict[str, Any]:
    row = job(tasks.charge, 4711, status="FAILED", since=400, outcome="in_doubt", crashes=1)
    make_attempt(row, started_at=row.started_at, ended_at=row.finished_at, outcome="crashed")
    _enter(step_scope(row.pk), row, "reserve the goods", {"shelf": "C 12"}, 389)
    _enter(delivery_scope(row.pk), row, "tell the store", {"receipt": {"accepted": True}}, 388)
    _enter(delivery_scope(row.pk), row, "refund points", {"receipt": "p-77", "by": "grace"}, 387)
    return {"doubt": row, "decide": _enter(delivery_scope(row.pk), row, "charge the card", None, 386)}


def _enter(scope: str, row: Job, key: str, value: Any, since: float) -> LedgerEntry:
    return LedgerEntry.objects.create(
        scope=scope, key=key, job_id=row.pk, attempt=1, value=value, created_at=ago(since)
    )


def _relatives() -> dict[str, Any]:
    done = job(tasks.import_prices, "north.csv", status="SUCCESSFUL", since=900, result=1204)
    going = job(tasks.import_prices, "south.csv", status="RUNNING", since=300)
    waiting = job(tasks.report, "2026-11-28", since=290, gate="after")
    after = job(tasks.send_receipt, 4700, since=289, gate="after")
    for position, earlier in enumerate((GONE, done.pk, going.pk)):
        Dependency.objects.create(job_id=waiting.pk, after_id=earlier, position=position, on_failure="fail")
    Dependency.objects.create(job_id=after.pk, after_id=waiting.pk, position=0, on_failure="cancel")
    return {"waiting": waiting}


def _schedules() -> dict[str, Any]:
    last = job(tasks.report, "yesterday", status="SUCCESSFUL", since=30000)
    run = {"last_run_at": last.enqueued_at, "last_job_id": last.pk}
    fault = "sync() missing 1 required positional argument: 'account'"
    return {
        "in code": _schedule(
            IN_CODE, tasks.report, "yesterday", cron="30 3 * * *", time_zone="Europe/Berlin", declared=True, now=run
        ),
        "schedule": _schedule("prices", tasks.import_prices, "all.csv", every=900, queue="mail", priority=-5),
        "paused": _schedule(
            "carts", tasks.clean_up, cron="*/20 8-18 * * mon-fri", time_zone="America/New_York", now={"paused": True}
        ),
        "fault": _schedule("stock", tasks.sync, cron="0 * * * *", now={"fault": fault}),
        "not in code": _schedule("greetings", tasks.send_receipt, 1, every=86400, declared=True),
    }


def _schedule(name: str, task: Any, *args: Any, now: dict[str, Any] | None = None, **columns: Any) -> Schedule:
    row = Schedule(name=name, task_path=task.module_path, arguments=_call(*args), **columns)
    row.save()
    # As ticks and buttons leave it.
    Schedule.objects.filter(pk=row.pk).update(**(now or {"paused": False}))
    return row


def _frozen() -> dict[str, Any]:
    row = job(
        tasks.import_prices, "west.csv", status="SUCCESSFUL", since=200, attempt=2, result=88, worker_id=WORKERS[1]
    )
    Tag.objects.bulk_create(Tag(job_id=row.pk, name=name) for name in ("prices", "supplier-12"))
    make_attempt(
        row,
        1,
        token=uuid.uuid4(),
        outcome="lost",
        started_at=ago(190),
        renewed_at=ago(119),
        ended_at=ago(116),
        renewals=12,
        refused_writes=1,
    )
    make_attempt(
        row, 2, token=row.token, worker_id=WORKERS[1], outcome="ok", started_at=ago(115), renewed_at=ago(50),
        ended_at=ago(46), renewals=6,
    )  # fmt: skip
    return {"frozen": row}


def _failures() -> dict[str, Any]:
    rows = [job(tasks.send_receipt, n, status="FAILED", since=5000 - n, outcome="raised", failures=3) for n in range(3)]
    attempt = make_attempt(rows[0], 3, outcome="raised", started_at=rows[0].started_at, ended_at=rows[0].finished_at)
    attempt.exception_class, attempt.traceback = "smtplib.SMTPServerDisconnected", "Traceback …"
    attempt.save()
    lines = [f"2026-11-28 09:1{n}:00.120Z INFO shop.mail Asked the server for the {n}th time" for n in range(5)]
    AttemptLog._default_manager.create(job_id=rows[0].pk, token=attempt.token, lines="\n".join(lines))
    return {"failed": rows[0]}


def _pauses() -> dict[str, Any]:
    operations.pause_task(tasks.send_receipt.module_path)
    operations.pause_queue("mail")
    return {
        "kept waiting": job(tasks.send_receipt, 4730, since=20),
        "task": TaskDefinition.objects.get(path=tasks.send_receipt.module_path),
        "queue": PausedQueue.objects.get(),
    }
