"""Whether a worker is alive: the same judgement as the rescue's, by the database's clock."""

from __future__ import annotations

from ..models import Worker
from ..queues import Queues
from .glance import now_of


def heartbeat_age(worker: Worker) -> float:
    """Return the seconds since a worker's last sign of life."""
    return (now_of(worker) - worker.heartbeat_at).total_seconds()


def is_alive(worker: Worker) -> bool:
    """Return whether a worker is there: not signed off, and its heartbeat no older than its lease."""
    return worker.stopped_at is None and heartbeat_age(worker) <= worker.lease_seconds


def queues_of(worker: Worker) -> list[str]:
    """Return the queues that a worker serves, none when it serves every one."""
    return [str(queue) for queue in worker.queues] if isinstance(worker.queues, list) else []


def serves(worker: Worker, backend: str, queue: str) -> bool:
    """Return whether a worker is there and takes jobs of that queue."""
    if worker.backend != backend or not is_alive(worker):
        return False
    try:
        return Queues(queues_of(worker)).serves(queue)
    except ValueError:
        return False  # Somebody else has written to the row.


def shape_of(worker: Worker) -> str:
    """Return "alive", "dead" or "stopped"."""
    return "stopped" if worker.stopped_at else ("alive" if is_alive(worker) else "dead")
