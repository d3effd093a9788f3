"""How deep each queue is: what waits, is held back, runs, has failed. Each number is counted up to a limit only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connections
from django.db.models import Count
from django.tasks import TaskResultStatus

from ..database import alias, moment, now_sql, readable_sql
from ..models import Gate, Job, LedgerEntry, Outcome
from .paging import COUNT_AT_MOST, AtLeast, capped

TABLE, LEDGER = Job._meta.db_table, LedgerEntry._meta.db_table
_LOT = 200
_MOST_TASKS = 10_000
# Each is looked up by its id, and there are few, but where something is wrong.
_COMMITS = 1000
Place = tuple[str, str]
Failed = tuple[str, str, str]
Held = tuple[str, str, str]


@dataclass(slots=True)
class Depth:
    """What is in a queue. `oldest` is since when the first job waits that is due.

    `held` is how many jobs wait at which gate; `due_at_limits` is how many of them wait for their limit alone.
    """

    due: int = 0
    delayed: int = 0
    running: int = 0
    failed: int = 0
    oldest: datetime | None = None
    held: dict[str, int] = field(default_factory=dict)
    due_at_limits: int = 0


class InDoubt(NamedTuple):
    """A job of which nobody knows what it has delivered, and since when."""

    job_id: UUID
    task_path: str
    at: datetime


def depths(
    places: Sequence[Place], running: Counter[Place], failed: Counter[Failed], held: Counter[Held]
) -> dict[Place, Depth]:
    """Return how deep these queues are, each a backend and a name, of which the rest is known already."""
    found = {place: Depth(running=running[place]) for place in places}
    for (backend, queue, _outcome), count in failed.items():
        if (backend, queue) in found:
            found[backend, queue].failed += count
    for (backend, queue, gate), count in held.items():
        if (backend, queue) in found:
            found[backend, queue].held[gate] = count
    if sum(failed.values()) > COUNT_AT_MOST:
        for depth in found.values():
            depth.failed = AtLeast(depth.failed)
    for first in range(0, len(places), _LOT):
        _look(places[first : first + _LOT], found)
    return found


def _look(places: Sequence[Place], found: dict[Place, Depth]) -> None:
    """Look at the waiting jobs of some queues, in the order in which they will be claimed: what is due comes first."""
    connection = connections[alias()]
    ready = f"SELECT due_at FROM {TABLE} WHERE status = 'READY' AND backend = %s AND queue = %s AND gate = "
    # Of jobs of one priority this counts what is due exactly, however many wait for later.
    waiting = f"{ready}'' ORDER BY priority DESC, due_at, id LIMIT {COUNT_AT_MOST + 1}"
    limited = f"{ready}'limit' LIMIT {COUNT_AT_MOST + 1}"
    counts = f"COUNT(*) AS jobs, SUM(CASE WHEN due_at <= {now_sql(connection)} THEN 1 ELSE 0 END) AS due"
    oldest = readable_sql(connection, "MIN(due_at)")
    one = (
        "SELECT waiting.jobs, waiting.due, waiting.oldest, limited.jobs, limited.due FROM "
        f"(SELECT {counts}, {oldest} AS oldest FROM ({waiting}) AS jobs_waiting) AS waiting, "
        f"(SELECT {counts} FROM ({limited}) AS jobs_limited) AS limited"
    )
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([one] * len(places)), [value for place in places for value in place * 2])
        rows = cursor.fetchall()
    for place, (count, due, first, limited_count, limited_due) in zip(places, rows, strict=True):
        depth, due = found[place], int(due or 0)
        depth.due, depth.delayed = capped(due, COUNT_AT_MOST), capped(count - due, COUNT_AT_MOST)
        depth.oldest = moment(connection, first) if due else None
        if limited_count:
            depth.held[Gate.LIMIT] = capped(limited_count, COUNT_AT_MOST)
        depth.due_at_limits = int(limited_due or 0)


def held_jobs() -> Counter[Held]:
    """Return how many jobs of which backend and queue wait for others, and how many for a COMMIT, by their gates.

    Those behind a limit are counted with the queue: only there an index has them by queue.
    """
    most = {Gate.AFTER.value: COUNT_AT_MOST, Gate.COMMIT.value: min(COUNT_AT_MOST, _COMMITS)}
    # In the order of an index: however many other jobs there are, none of them is read.
    order = "backend, queue" if connections[alias()].vendor == "mysql" else "backend, id"
    after = (
        f"SELECT backend, queue FROM {TABLE} WHERE status = 'READY' AND gate = 'after' "
        f"ORDER BY {order} LIMIT {most['after'] + 1}"
    )
    # No index has those that wait for a COMMIT, but each is in the ledger for as long.
    commit = (
        f"SELECT backend, queue FROM (SELECT job_id FROM {LEDGER} WHERE scope = 'waits' LIMIT {most['commit'] + 1}) "
        f"AS waits JOIN {TABLE} ON {TABLE}.id = waits.job_id WHERE status = 'READY' AND gate = 'commit'"
    )
    by_queue = "SELECT backend, queue, {} AS gate, COUNT(*) FROM ({}) AS held GROUP BY backend, queue"
    with connections[alias()].cursor() as cursor:
        cursor.execute(f"{by_queue.format("'after'", after)} UNION ALL {by_queue.format("'commit'", commit)}")
        rows = cursor.fetchall()
    found, whole = Counter[Held](), Counter[str]()
    for _backend, _queue, gate, count in rows:
        whole[gate] += count
    for backend, queue, gate, count in rows:
        # Which were left out, nobody knows.
        found[backend, queue, gate] = AtLeast(min(count, most[gate])) if whole[gate] > most[gate] else count
    return found


def waiting_queues(backend: str) -> list[str]:
    """Return the queues of a backend in which jobs wait, the first ones by name: one look into an index for each."""
    with connections[alias()].cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE {_names('due', Gate.OPEN)}, {_names('limited', Gate.LIMIT)} "
            f"SELECT queue FROM due WHERE queue IS NOT NULL UNION SELECT queue FROM limited WHERE queue IS NOT NULL "
            f"ORDER BY queue LIMIT {_LOT}",
            [backend] * 4,
        )
        return [queue for (queue,) in cursor.fetchall()]


def _names(name: str, gate: Gate) -> str:
    least = f"SELECT MIN(queue) FROM {TABLE} WHERE status = 'READY' AND gate = '{gate.value}' AND backend = %s"
    return (
        f"{name} (queue) AS ({least} UNION ALL "
        f"SELECT ({least} AND queue > {name}.queue) FROM {name} WHERE {name}.queue IS NOT NULL)"
    )


def tasks_with_jobs() -> list[str]:
    """Return the paths of the tasks that have jobs: one look into an index for each, as the database compares them."""
    least = f"SELECT MIN(task_path) FROM {TABLE}"
    with connections[alias()].cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE paths (path) AS ({least} UNION ALL "
            f"SELECT ({least} WHERE task_path > paths.path) FROM paths WHERE paths.path IS NOT NULL) "
            f"SELECT path FROM paths WHERE path IS NOT NULL LIMIT {_MOST_TASKS}"
        )
        return [path for (path,) in cursor.fetchall()]


def running_jobs() -> list[tuple[str, str, str, int]]:
    """Return how many jobs of which backend and queue run at which worker."""
    rows = Job.objects.using(alias()).filter(status=TaskResultStatus.RUNNING).order_by()
    return list(rows.values_list("backend", "queue", "worker_id").annotate(count=Count("pk")))


def failed_jobs() -> Counter[Failed]:
    """Return how many jobs of which backend and queue have failed, and how: of the newest, as many as are counted."""
    rows = Job.objects.using(alias()).failed().order_by("-id").values_list("backend", "queue", "outcome")
    return Counter(rows[: COUNT_AT_MOST + 1])


def first_in_doubt() -> InDoubt | None:
    """Return the job that has been in doubt for the longest, of as many of the newest failed ones as are counted."""
    connection = connections[alias()]
    columns = "id, task_path, outcome, enqueued_at, finished_at"
    newest = f"SELECT {columns} FROM {TABLE} WHERE status = 'FAILED' ORDER BY id DESC LIMIT {COUNT_AT_MOST + 1}"
    since = readable_sql(connection, "COALESCE(finished_at, enqueued_at)")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, task_path, {since} AS since FROM ({newest}) AS newest WHERE outcome = %s "
            "ORDER BY since, id LIMIT 1",
            [Outcome.IN_DOUBT.value],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    at = moment(connection, row[2])
    assert at is not None
    return InDoubt(UUID(str(row[0])), row[1], at)
