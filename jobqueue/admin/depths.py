"""How deep each queue is: what waits, since when, what runs, what failed. Each number is counted up to a limit only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connections
from django.db.models import Count
from django.tasks import TaskResultStatus

from ..database import alias, moment, now_sql
from ..models import Job
from .paging import COUNT_AT_MOST, AtLeast, capped

TABLE = Job._meta.db_table
_LOT = 200
Place = tuple[str, str]
Failed = tuple[str, str, str]


@dataclass(slots=True)
class Depth:
    """What is in a queue. `oldest` is since when the first job waits that is due."""

    due: int = 0
    delayed: int = 0
    running: int = 0
    failed: int = 0
    oldest: datetime | None = None


def depths(places: Sequence[Place], running: Counter[Place], failed: Counter[Failed]) -> dict[Place, Depth]:
    """Return how deep these queues are, each a backend and a name; what runs and what failed is known already."""
    found = {place: Depth(running=running[place]) for place in places}
    for (backend, queue, _outcome), count in failed.items():
        if (backend, queue) in found:
            found[backend, queue].failed += count
    if sum(failed.values()) > COUNT_AT_MOST:
        for depth in found.values():
            depth.failed = AtLeast(depth.failed)
    for first in range(0, len(places), _LOT):
        _look(places[first : first + _LOT], found)
    return found


def _look(places: Sequence[Place], found: dict[Place, Depth]) -> None:
    """Look at the waiting jobs of some queues, in the order in which they will be claimed: what is due comes first."""
    connection = connections[alias()]
    # Of jobs of one priority this counts what is due exactly, however many wait for later.
    waiting = (
        f"SELECT due_at FROM {TABLE} WHERE status = 'READY' AND gate = '' AND backend = %s AND queue = %s "
        f"ORDER BY priority DESC, due_at, id LIMIT {COUNT_AT_MOST + 1}"
    )
    now = now_sql(connection)
    one = f"SELECT COUNT(*), SUM(CASE WHEN due_at <= {now} THEN 1 ELSE 0 END), MIN(due_at) FROM ({waiting}) AS waiting"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([one] * len(places)), [value for place in places for value in place])
        rows = cursor.fetchall()
    for place, (count, due, first) in zip(places, rows, strict=True):
        depth, due = found[place], int(due or 0)
        depth.due, depth.delayed = capped(due, COUNT_AT_MOST), capped(count - due, COUNT_AT_MOST)
        depth.oldest = moment(connection, first) if due else None


def waiting_queues(backend: str) -> list[str]:
    """Return the queues of a backend in which jobs wait, the first ones by name: one look into an index for each."""
    least = f"SELECT MIN(queue) FROM {TABLE} WHERE status = 'READY' AND gate = '' AND backend = %s"
    with connections[alias()].cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE names (queue) AS ({least} UNION ALL "
            f"SELECT ({least} AND queue > names.queue) FROM names WHERE names.queue IS NOT NULL) "
            f"SELECT queue FROM names WHERE queue IS NOT NULL LIMIT {_LOT}",
            [backend, backend],
        )
        return [queue for (queue,) in cursor.fetchall()]


def running_jobs() -> list[tuple[str, str, str, int]]:
    """Return how many jobs of which backend and queue run at which worker."""
    rows = Job.objects.using(alias()).filter(status=TaskResultStatus.RUNNING).order_by()
    return list(rows.values_list("backend", "queue", "worker_id").annotate(count=Count("pk")))


def failed_jobs() -> Counter[Failed]:
    """Return how many jobs of which backend and queue have failed, and how: of the newest, as many as are counted."""
    rows = Job.objects.using(alias()).failed().order_by("-id").values_list("backend", "queue", "outcome")
    return Counter(rows[: COUNT_AT_MOST + 1])
