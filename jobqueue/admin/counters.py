"""The numbers above the list of jobs: how many wait, run and failed, and who is there to run them."""

from __future__ import annotations

from typing import Any

from django.tasks import TaskResultStatus
from django.urls import reverse
from django.utils.translation import gettext as _

from ..database import DatabaseNow, alias
from ..models import Job, Worker
from .liveness import is_alive
from .paging import capped_count
from .states import mark

_COUNTED = (
    (TaskResultStatus.READY, "ready"),
    (TaskResultStatus.RUNNING, "running"),
    (TaskResultStatus.FAILED, "failed"),
)


def counters() -> list[dict[str, Any]]:
    """Return the numbers with their links. Each counts up to a limit, of rows that an index keeps apart."""
    jobs = reverse("admin:jobqueue_job_changelist")
    counts = [
        {
            "mark": mark(shape, TaskResultStatus(status).label),
            "count": capped_count(Job.objects.using(alias()).filter(status=status)),
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
