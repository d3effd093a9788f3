"""The numbers above the list of jobs: how many wait, run and failed, and who is there to run them."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.http import HttpRequest
from django.tasks import TaskResultStatus
from django.urls import reverse
from django.utils.translation import gettext as _

from ..database import alias
from ..models import Gate, Job
from . import paging
from .liveness import is_alive, not_signed_off_for
from .paging import capped
from .states import mark

_COUNTED = (
    (TaskResultStatus.READY, "ready"),
    (TaskResultStatus.RUNNING, "running"),
    (TaskResultStatus.FAILED, "failed"),
)
_GATES = (Gate.OPEN, Gate.LIMIT, Gate.AFTER)


def counters(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the numbers with their links. Each counts up to a limit, of rows that an index keeps apart."""
    jobs = reverse("admin:jobqueue_job_changelist")
    counts = [
        {"mark": mark(shape, TaskResultStatus(status).label), "count": count, "url": f"{jobs}?status={status}"}
        for (status, shape), count in zip(_COUNTED, _counts(), strict=True)
    ]
    alive = sum(map(is_alive, not_signed_off_for(request)))
    here = {
        "mark": mark("alive" if alive else "dead", _("Workers alive")),
        "count": alive,
        "url": reverse("admin:jobqueue_worker_changelist"),
    }
    return [*counts, here]


def _counts() -> list[int]:
    """Return how many jobs are in each of these statuses, with one query.

    Those that wait are counted gate by gate, for each has an index of its own. What waits for a commit is not among
    them: it is there only once that is done, and no index has it.
    """
    most = paging.COUNT_AT_MOST
    ready = [f"status = '{TaskResultStatus.READY}' AND gate = '{gate.value}'" for gate in _GATES]
    wheres = [ready, *([f"status = '{status}'"] for status, _shape in _COUNTED[1:])]
    one = f"(SELECT COUNT(*) FROM (SELECT 1 FROM {Job._meta.db_table} WHERE {{}} LIMIT {most + 1}) AS counted)"
    with connections[alias()].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(' + '.join(map(one.format, those)) for those in wheres)}")
        return [capped(min(int(count), most + 1), most) for count in cursor.fetchone()]
