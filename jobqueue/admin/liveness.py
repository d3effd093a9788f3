"""Whether a worker is alive: the same judgement as the rescue's, by the database's clock."""

from __future__ import annotations

from ..models import Worker
from .glance import now_of


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
