"""The numbers above the list of jobs: how many wait, run and failed, and who is there to run them."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.tasks import TaskResultStatus
from django.urls import reverse
from django.utils.translation import gettext as _

from ..database import DatabaseNow, alias
from ..models import Gate, Job, Worker
from . import paging
from .liveness import is_alive
from .paging import capped, capped_count
from .states import mark

_COUNTED = (
    (TaskResultStatus.READY, "ready"),
    (TaskResultStatus.RUNNING, "running"),
    (TaskResultStatus.FAILED, "failed"),
)
_GATES = (Gate.OPEN, Gate.LIMIT, Gate.AFTER)


def counters() -> list[dict[str, Any]]:
    """Return the numbers with their links. Each counts up to a limit, of rows that an index keeps apart."""
    jobs = reverse("admin:jobqueue_job_changelist")
    counts = [
        {
            "mark": mark(shape, TaskResultStatus(status).label),
            "count": _ready() if status == TaskResultStatus.READY else _of(status),
            "url": f"{jobs}?status={status}",
        }
        for status, shape in _COUNTED
    ]
    workers = Worker.objects.using(alias()).filter(stopped_at=None).annotate(now=DatabaseNow())
    alive = sum(map(is_alive, workers))
    here = {
        "mark": mark("alive" if alive else "dead", _("Workers alive")),
        "count": alive,
        "url": reverse("admin:jobqueue_worker_changelist"),
    }
    return [*counts, here]


def _of(status: str) -> int:
    return capped_count(Job.objects.using(alias()).filter(status=status))


def _ready() -> int:
    """Return how many jobs wait, gate by gate, for each has an index of its own.

    What waits for a commit is not counted: it is there only once that is done, and no index has it.
    """
    most = paging.COUNT_AT_MOST
    waiting = f"SELECT 1 FROM {Job._meta.db_table} WHERE status = 'READY' AND gate"
    counts = [f"(SELECT COUNT(*) FROM ({waiting} = '{gate.value}' LIMIT {most + 1}) AS waiting)" for gate in _GATES]
    with connections[alias()].cursor() as cursor:
        cursor.execute(f"SELECT {' + '.join(counts)}")
        return capped(min(int(cursor.fetchone()[0]), most + 1), most)
