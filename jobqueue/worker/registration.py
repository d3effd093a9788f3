"""The rows that a worker keeps about itself: that it is there and alive, and which tasks it knows."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..conf import Options
from ..database import DatabaseNow, alias
from ..fields import storable
from ..models import TaskDefinition, Worker
from ..points import reached
from ..task import JobTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who this worker is."""

    id: str
    name: str
    hostname: str
    pid: int
    backend: str
    queues: Sequence[str]
    concurrency: int
    seats: int
    lease_seconds: float


def beat(identity: Identity, executors: list[dict[str, Any]]) -> None:
    """Write the heartbeat, by the database's clock; the row is made anew should it be gone."""
    reached("heartbeat.before")
    now = DatabaseNow()
    row = Worker.objects.using(alias()).filter(pk=identity.id)
    if not row.update(heartbeat_at=now, executors=executors, stopped_at=None):
        Worker.objects.using(alias()).create(
            id=identity.id,
            name=identity.name,
            hostname=identity.hostname,
            pid=identity.pid,
            backend=identity.backend,
            queues=list(identity.queues),
            concurrency=identity.concurrency,
            seats=identity.seats,
            lease_seconds=identity.lease_seconds,
            version=__version__,
            executors=executors,
            started_at=now,
            heartbeat_at=now,
        )
    reached("heartbeat.after")


def sign_off(identity: Identity) -> None:
    """Write down that the worker has stopped of its own accord."""
    reached("sign-off.before")
    Worker.objects.using(alias()).filter(pk=identity.id).update(stopped_at=DatabaseNow(), executors=[])
    reached("sign-off.after")


def publish_definitions(tasks: Iterable[JobTask], options: Options) -> None:
    """Write down the tasks that this worker knows, and their policy; what an operator set is kept."""
    now = DatabaseNow()
    columns = ["description", "backend", "queue", "priority", "effects", "max_attempts", "timeout"]
    rows = [
        TaskDefinition(
            path=task.module_path,
            description=_first_line(task)[:255],
            backend=task.backend,
            queue=task.queue_name,
            priority=task.priority,
            effects=task.effects or options.effects,
            max_attempts=task.max_attempts or options.max_attempts,
            timeout=options.time_limit(task.timeout),
            synced_at=now,
        )
        # In one order, so that workers that start together cannot deadlock.
        for task in sorted(tasks, key=lambda task: task.module_path)
    ]
    for row in rows:
        values = {column: getattr(row, column) for column in (*columns, "synced_at")}
        TaskDefinition.objects.using(alias()).update_or_create(path=row.path, defaults=values)


def _first_line(task: JobTask) -> str:
    return storable((inspect.getdoc(task.func) or "").split("\n", 1)[0])
