"""Whether a worker is alive: the same judgement as the rescue's, by the database's clock."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest

from ..database import DatabaseNow, alias
from ..models import Worker
from .glance import now_of

_KEPT = "jobqueue_workers"


def not_signed_off() -> Any:
    """Return the workers that have not stopped of their own accord, alive or dead, with the time of the database."""
    return Worker.objects.using(alias()).filter(stopped_at=None).annotate(now=DatabaseNow())


def not_signed_off_for(request: HttpRequest) -> list[Worker]:
    """Return the same, looked up once for a page."""
    kept = vars(request)
    if _KEPT not in kept:
        kept[_KEPT] = list(not_signed_off())
    return cast(list[Worker], kept[_KEPT])


def heartbeat_age(worker: Worker) -> float:
    """Return the seconds since a worker's last sign of life."""
    return (now_of(worker) - worker.heartbeat_at).total_seconds()


def is_alive(worker: Worker) -> bool:
    """Return whether a worker is there: not signed off, and its heartbeat no older than its lease."""
    return worker.stopped_at is None and abs(heartbeat_age(worker)) <= worker.lease_seconds


def serves(worker: Worker, backend: str, queue: str) -> bool:
    """Return whether a worker is there and takes jobs of that queue."""
    return worker.backend == backend and is_alive(worker) and worker.serves(queue)


def shape_of(worker: Worker) -> str:
    """Return "alive", "dead" or "stopped"."""
    return "stopped" if worker.stopped_at else ("alive" if is_alive(worker) else "dead")
