"""Jobs, queues and workers as plain values, for a script, and as text for a terminal. Nothing sensitive is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min, Q
from django.tasks import TaskResultStatus

from .. import deliveries
from ..database import DatabaseNow, alias
from ..errors import InvalidRow, UnknownTask
from ..lifecycle import slots_taken
from ..limits import Policies
from ..models import Attempt, AttemptLog, Gate, Job, PausedQueue, TaskDefinition, Worker
from ..payload import call_of
from ..redaction import shown_call
from ..relatives import Relative, earlier_than, later_than
from ..spelling import on_one_line, spelled
from ..tags import tags_of
from ..task import find, registered

_RELATIVES = 5
_COUNTS = ("ready", "delayed", "held back", "running", "failed")
_MOMENTS = ("enqueued_at", "due_at", "first_started_at", "started_at", "finished_at")


def status() -> dict[str, Any]:
    """Return how many jobs each queue has in each status, and who is there to run them."""
    now = DatabaseNow()
    waiting = Q(status=TaskResultStatus.READY)
    unfinished = Job.objects.using(alias()).exclude(status=TaskResultStatus.SUCCESSFUL).order_by()
    queues = unfinished.values("backend", "queue").annotate(
        ready=Count("pk", filter=waiting & Q(gate=Gate.OPEN, due_at__lte=now)),
        delayed=Count("pk", filter=waiting & Q(gate=Gate.OPEN, due_at__gt=now)),
        by_limit=Count("pk", filter=waiting & Q(gate=Gate.LIMIT)),
        by_others=Count("pk", filter=waiting & Q(gate=Gate.AFTER)),
        by_commit=Count("pk", filter=waiting & Q(gate=Gate.COMMIT)),
        running=Count("pk", filter=Q(status=TaskResultStatus.RUNNING)),
        failed=Count("pk", filter=Q(status=TaskResultStatus.FAILED)),
        oldest_due_at=Min("due_at", filter=waiting & Q(gate=Gate.OPEN, due_at__lte=now)),
        now=Max(now),
    )
    paused = set(PausedQueue.objects.using(alias()).values_list("backend", "name"))
    workers = Worker.objects.using(alias()).filter(stopped_at=None).annotate(now=now).order_by("id")
    return {
        "queues": [
            {
                **{name: row[name] for name in ("backend", "queue", "ready", "delayed", "running", "failed")},
                "held_back": {"limit": row["by_limit"], "after": row["by_others"], "commit": row["by_commit"]},
                "oldest_seconds": _seconds(row["oldest_due_at"], row["now"]),
                "paused": (row["backend"], row["queue"]) in paused,
            }
            for row in queues.order_by("backend", "queue")
        ],
        "workers": [
            {
                "id": worker.id,
                "backend": worker.backend,
                "queues": worker.queues,
                "executors": len(worker.executors) if isinstance(worker.executors, list) else 0,
                "heartbeat_seconds": (age := _seconds(worker.heartbeat_at, worker.now)),
                "alive": age is not None and age <= worker.lease_seconds,
            }
            for worker in workers
        ],
    }


def row(job: Job) -> dict[str, Any]:
    """Return what a list tells of a job."""
    names = ("backend", "queue", "status", "gate", "outcome", "attempt", "failures", "crashes", "worker_id")
    return {
        "id": str(job.pk),
        "task": job.task_path,
        "call": _call(job),
        **{name: getattr(job, name) for name in names},
        **{name: moment.isoformat() if (moment := getattr(job, name)) else None for name in _MOMENTS},
    }


def whole(job: Job) -> dict[str, Any]:
    """Return a job with all that is on record of its attempts."""
    attempts = Attempt.objects.using(alias()).filter(job_id=job.pk).order_by("number")
    logs = _logs(job)
    names = ("number", "worker_id", "pid", "renewals", "refused_writes", "outcome", "exception_class", "traceback")
    return {
        **row(job),
        "priority": job.priority,
        "tags": tags_of(job.pk),
        "idempotency_key": job.idempotency_key,
        "unique": job.unique_while if job.unique_key else None,
        "holds_unique_key": job.holds_its_key,
        "gate": job.gate,
        "limit": _limit(job) if job.limit_key else None,
        "paused": {
            "task": TaskDefinition.objects.using(alias()).filter(path=job.task_path, paused=True).exists(),
            "queue": PausedQueue.objects.using(alias()).filter(backend=job.backend, name=job.queue).exists(),
        },
        "waits_for": [_relative(relative) for relative in earlier_than(job.pk)],
        "waited_for_by": [_relative(relative) for relative in later_than(job.pk)],
        "deliveries": _deliveries(job),
        "attempts": [
            {
                **{name: getattr(attempt, name) for name in names},
                "started_at": attempt.started_at.isoformat() if attempt.started_at else None,
                "ended_at": attempt.ended_at.isoformat() if attempt.ended_at else None,
                "log": logs.pop(attempt.token, []),
            }
            for attempt in attempts
        ],
        # One that runs, or has succeeded, has no row of its own.
        "log": logs.get(job.token, []) if job.token else [],
    }


def _logs(job: Job) -> dict[UUID, list[str]]:
    """Return what was logged under each token of a job."""
    rows = AttemptLog._default_manager.using(alias()).filter(job_id=job.pk).values_list("token", "lines")
    return {token: lines.split("\n") for token, lines in rows if lines}


def _limit(job: Job) -> dict[str, Any]:
    allowance = Policies(registered()).of_job(job.limit_key, job.task_path)
    return {"key": job.limit_key, "running": slots_taken(job.limit_key), "allowed": str(allowance)}


def status_text(found: dict[str, Any]) -> str:
    """Return both as tables."""
    queues = [
        [
            f"{q['queue']}{' (paused)' if q['paused'] else ''}",
            *(q[name] for name in ("ready", "delayed")),
            _held(q["held_back"]),
            *(q[name] for name in ("running", "failed")),
            _age(q["oldest_seconds"]),
        ]
        for q in found["queues"]
    ]
    workers = [
        [w["id"], "alive" if w["alive"] else "DEAD", w["executors"], _age(w["heartbeat_seconds"]), _names(w["queues"])]
        for w in found["workers"]
    ]
    return "\n\n".join(
        [
            table(["queue", *_COUNTS, "oldest"], queues) or "No jobs but what succeeded.",
            table(["worker", "", "executors", "heartbeat", "queues"], workers) or "No workers.",
        ]
    )


def _held(counts: dict[str, int]) -> str:
    """Return how many jobs are held back, and at which gates."""
    told = ", ".join(f"{gate} {count}" for gate, count in counts.items() if count)
    return f"{sum(counts.values())} ({told})" if told else "0"


def list_text(jobs: Sequence[dict[str, Any]]) -> str:
    """Return jobs as a table."""
    lines = [[j["id"], _state(j), j["attempt"], j["queue"], f"{j['task']}{j['call']}"] for j in jobs]
    return table(["id", "status", "attempt", "queue", "job"], lines) or "No jobs match."


def whole_text(job: dict[str, Any]) -> str:
    """Return a job as lines, with what its attempts logged and their tracebacks."""
    facts = [
        ("job", job["id"]),
        ("task", f"{job['task']}{job['call']}"),
        ("status", _state(job)),
        ("queue", f"{job['queue']}, priority {job['priority']}, backend {job['backend']}"),
        ("tags", ", ".join(job["tags"])),
        ("key", job["idempotency_key"] or ""),
        ("unique", f"{job['unique'] or ''}{', holds its key' if job['holds_unique_key'] else ''}"),
        ("limit", _limit_text(job["limit"])),
        ("paused", _paused(job)),
        ("waits for", _relatives(job["waits_for"])),
        ("waited for by", _relatives(job["waited_for_by"])),
        ("budgets", f"{job['failures']} failures, {job['crashes']} crashes"),
        ("owner", job["worker_id"]),
        *((name.replace("_", " "), job[name] or "") for name in _MOMENTS),
    ]
    facts += [("delivery", f"{it['step']}: {it['state']}, key {it['key']}") for it in job["deliveries"]]
    lines = [f"{name:16} {on_one_line(text)}" for name, text in facts if text]
    for attempt in job["attempts"]:
        refused = f", {attempt['refused_writes']} late writes refused" if attempt["refused_writes"] else ""
        end = attempt["outcome"] or "not ended"
        told = f"{end}, {attempt['renewals']} renewals{refused}"
        if attempt["worker_id"]:
            lines += ["", f"attempt {attempt['number']} by {on_one_line(attempt['worker_id'])}: {told}"]
        else:
            lines += ["", f"not begun: {end}"]
        lines += map(_logged, attempt["log"])
        if attempt["traceback"]:
            lines.append(spelled(attempt["traceback"].rstrip()))
    if job["log"]:
        lines += ["", f"attempt {job['attempt']} by {on_one_line(job['worker_id'])}: {job['status']}"]
        lines += map(_logged, job["log"])
    return "\n".join(lines)


def _logged(line: str) -> str:
    return f"  {on_one_line(line)}"


def _deliveries(job: Job) -> list[dict[str, Any]]:
    """Return what it delivers outside the database, without what it was answered."""
    try:
        found = deliveries.of_job(job.pk)
    except InvalidRow as why:
        return [{"step": "?", "state": str(why), "key": "?", "attempt": None}]
    return [{"step": it.step, "state": it.state, "key": it.key, "attempt": it.entry.attempt} for it in found]


def _call(job: Job) -> str:
    return shown_arguments(job.task_path, job.arguments, job.pk)


def shown_arguments(path: str, arguments: Any, whose: object) -> str:
    """Return the arguments of a call of a task as ``(1, key=2)``; nothing of them when the task is not known here."""
    try:
        args, kwargs = shown_call(find(path), *call_of(arguments, whose))
    except (UnknownTask, InvalidRow):
        return "(…)"
    parts = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
    text = ", ".join(parts)
    return f"({text[:120]}{'…' if len(text) > 120 else ''})"


def _state(job: dict[str, Any]) -> str:
    gate = str(Gate(job["gate"]).label) if _waits_at_a_gate(job) else ""
    why = [text for text in (job["outcome"], gate) if text]
    return f"{job['status']} ({', '.join(why)})" if why else job["status"]


def _relative(relative: Relative) -> dict[str, Any]:
    job = relative.job
    told = {name: getattr(job, name) if job else "" for name in ("status", "outcome", "gate")}
    return {"id": str(relative.job_id), "task": job.task_path if job else "", **told, "on_failure": relative.on_failure}


def _relatives(found: Sequence[dict[str, Any]]) -> str:
    told = [f"{it['id']} {it['task']} {_state(it) if it['status'] else 'pruned'}" for it in found[:_RELATIVES]]
    more = [f"and {len(found) - _RELATIVES} more"] if len(found) > _RELATIVES else []
    return ", ".join([*told, *more])


def _waits_at_a_gate(job: dict[str, Any]) -> bool:
    return job["status"] == TaskResultStatus.READY and job["gate"] in Gate.values and job["gate"] != Gate.OPEN


def _limit_text(limit: dict[str, Any] | None) -> str:
    if limit is None:
        return ""
    parts = (f"{limit['running']} running", limit["allowed"])
    return f"{limit['key']} ({', '.join(part for part in parts if part)})"


def _paused(job: dict[str, Any]) -> str:
    waits = job["status"] == TaskResultStatus.READY
    what = [f"its {name}" for name in ("task", "queue") if waits and job["paused"][name]]
    return f"{' and '.join(what)}: it waits until resumed" if what else ""


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else round((now - since).total_seconds(), 3)


def _age(seconds: float | None) -> str:
    return "" if seconds is None else str(timedelta(seconds=round(max(0.0, seconds))))


def _names(queues: Any) -> str:
    return ", ".join(map(str, queues)) if isinstance(queues, list) and queues else "all"


def table(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """Return a table as text, each cell on one line; nothing when it has no lines."""
    texts = [[on_one_line(str(cell)) for cell in line] for line in lines]
    if not texts:
        return ""
    widths = [max(map(len, column)) for column in zip(head, *texts, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [list(head), *texts]
    )
