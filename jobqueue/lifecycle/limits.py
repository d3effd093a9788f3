"""Limits: which keys have jobs waiting, and the claim that counts before it takes.

No slot is stored anywhere. The jobs that are RUNNING with a key are the slots that are taken, so whatever ends a claim,
a success, a crash, a rescue or an operator, frees its slot in the same statement, and no clock frees one of a job that
runs. Whoever claims holds the row of the key locked meanwhile: two who count at once would both find the last slot.

Keys with waiting jobs are found from one to the next by the index, which is led by backend, queue and key: however many
jobs wait under a key that is full, none of them is read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from ..database import (
    DatabaseNow,
    alias,
    by_index,
    impatient,
    lock_only_what_matches,
    marks,
    moment,
    now_sql,
    readable_sql,
    take_write_lock,
    uuid_param,
    uuid_value,
)
from ..limits import Allowance
from ..models import Gate, Job, Limit
from ..points import reached
from .claim import WITHOUT_WAITING, Claim, claim_these, due

TABLE, LIMITS = Job._meta.db_table, Limit._meta.db_table
WAITING = "status = 'READY' AND gate = 'limit' AND backend = %s"
# Rows that somebody else has locked are passed over, and there are others to take in their place.
_SPARE = 5


class Key(NamedTuple):
    """A key under which jobs wait: how many run, and when the next one is due by its rate; all as of ``now``."""

    name: str
    running: int
    next_at: datetime | None
    now: datetime


class Head(NamedTuple):
    """The first of the due jobs with a key."""

    key: str
    priority: int
    task_path: str


class Ask(NamedTuple):
    """What a worker would take of a key: jobs of these tasks, as many as are allowed."""

    allowance: Allowance
    paths: Sequence[str]


class Taken(NamedTuple):
    """What was claimed, and whether there may be more: a key was locked by somebody, or the room was used up."""

    claims: list[Claim]
    more: bool


def slots_taken(limit_key: str) -> int:
    """Return how many jobs with a key run."""
    # The index knows only jobs that have a key, and has to be told.
    return Job.objects.using(alias()).running().filter(limit_key=limit_key, limit_key__gt="").count()


def anything_limited(connection: BaseDatabaseWrapper, backend: str) -> bool:
    """Return whether any job waits for a limit."""
    return bool(_fetch(connection, f"SELECT 1 FROM {_indexed(connection)} WHERE {WAITING} LIMIT 1", [backend]))


def limited_queues(connection: BaseDatabaseWrapper, backend: str) -> list[str]:
    """Return the queues in which jobs wait for a limit, due or not."""
    queues: list[str] = []
    first = f"SELECT MIN(queue) FROM {_indexed(connection)} WHERE {WAITING} AND queue > %s"
    while (queue := _fetch(connection, first, [backend, queues[-1] if queues else ""])[0][0]) is not None:
        queues.append(queue)
    return queues


def waiting_keys(connection: BaseDatabaseWrapper, *, backend: str, queue: str, after: str, limit: int) -> list[str]:
    """Return the first keys after that one under which jobs wait in a queue, due or not."""
    waiting = f"{WAITING} AND queue = %s AND limit_key > "
    if connection.vendor == "mysql":
        # MariaDB goes from group to group by itself; of a key that comes from another row it would read all before it.
        rows = _fetch(
            connection,
            f"SELECT limit_key FROM {_indexed(connection)} WHERE {waiting}%s"
            " GROUP BY limit_key ORDER BY limit_key LIMIT %s",
            [backend, queue, after, limit],
        )
    else:
        first = f"(SELECT limit_key FROM {TABLE} WHERE {waiting}%s ORDER BY limit_key LIMIT 1)"
        behind = first.replace("limit_key > %s", "limit_key > waiting.name")
        rows = _fetch(
            connection,
            f"WITH RECURSIVE waiting (number, name) AS (SELECT 1, {first} UNION ALL SELECT number + 1, {behind}"
            " FROM waiting WHERE name IS NOT NULL AND number < %s) SELECT name FROM waiting WHERE name IS NOT NULL",
            [backend, queue, after, backend, queue, limit],
        )
    return [name for (name,) in rows]


def look_at(connection: BaseDatabaseWrapper, names: Sequence[str]) -> dict[str, Key]:
    """Return the state of keys; the rows that are not there yet are made, by this worker and committed at once.

    Whoever enqueues makes none: two long transactions that enqueue under one key would wait for each other.
    """
    found = _states(connection, names)
    if missing := [name for name in names if name not in found]:
        # In one order, so that two who make the same rows cannot deadlock.
        _make(connection, sorted(missing))
        found |= _states(connection, missing)
    return found


def _make(connection: BaseDatabaseWrapper, names: Sequence[str]) -> None:
    """Insert rows of keys, where they are not there yet.

    PostgreSQL need not wait for the disk: a row that a crash undid is made again by the next look.
    """
    if connection.vendor == "postgresql":
        _run(
            connection,
            f"INSERT INTO {LIMITS} (name, used_at) SELECT name, {now_sql(connection)} FROM unnest(%s::text[])"
            f" AS new (name) WHERE {WITHOUT_WAITING} ON CONFLICT DO NOTHING",
            [list(names)],
        )
    else:
        new = [Limit(name=name, used_at=DatabaseNow()) for name in names]
        Limit.objects.using(connection.alias).bulk_create(new, ignore_conflicts=True)


def _states(connection: BaseDatabaseWrapper, names: Sequence[str]) -> dict[str, Key]:
    if not names:
        return {}
    rows = _fetch(
        connection,
        f"SELECT name, (SELECT COUNT(*) FROM {TABLE} WHERE status = 'RUNNING' AND limit_key > '' AND limit_key = name),"
        f" {readable_sql(connection, 'next_at')}, {now_sql(connection)} FROM {LIMITS} WHERE name IN ({marks(names)})",
        names,
    )
    return {name: Key(name, running, *_moments(connection, next_at, now)) for name, running, next_at, now in rows}


def heads(
    connection: BaseDatabaseWrapper, *, backend: str, queue: str, names: Sequence[str], paths: Sequence[str]
) -> list[Head]:
    """Return the first due job of each of these keys in a queue, of those tasks, the highest priority first.

    Nothing of a paused queue or task is one. Keys without such a job are left out; equal ones keep their order.
    """
    if not names:
        return []
    condition, params = due(connection, gate=Gate.LIMIT, backend=backend, queue=queue, paths=paths)
    these = f"{condition} AND limit_key = name ORDER BY priority DESC, due_at, id"
    first = f"SELECT id FROM {_indexed(connection)} WHERE {these}"
    rows = _fetch(
        connection, f"SELECT ({first} LIMIT 1) FROM {LIMITS} WHERE name IN ({marks(names)})", [*params, *names]
    )
    ids = [uuid_value(job_id) for (job_id,) in rows if job_id is not None]
    # Not by a join: of many keys a planner might well read all jobs to find them.
    jobs = Job.objects.using(connection.alias).filter(pk__in=ids).order_by()
    columns = jobs.values_list("limit_key", "priority", "task_path")
    found = {name: Head(name, priority, path) for name, priority, path in columns}
    return sorted((found[name] for name in names if name in found), key=lambda head: -head.priority)


def first_free_priority(
    connection: BaseDatabaseWrapper, *, backend: str, queue: str, paths: Sequence[str]
) -> int | None:
    """Return the priority of the job without a gate that would be claimed first; None when there is none."""
    condition, params = due(connection, gate=Gate.OPEN, backend=backend, queue=queue, paths=paths)
    table = TABLE + by_index(connection, "jobqueue_ready")
    first = f"SELECT priority FROM {table} WHERE {condition} ORDER BY priority DESC, due_at, id LIMIT 1"
    rows = _fetch(connection, first, params)
    return rows[0][0] if rows else None


def claim_limited(
    connection: BaseDatabaseWrapper, *, backend: str, queue: str, asks: Mapping[str, Ask], worker_id: str, room: int
) -> Taken:
    """Claim due jobs under keys, as many as are allowed; what comes first in ``asks`` is served first.

    Keys that somebody else has locked are passed over. The number of running jobs is read once the lock is held: who
    held it before has committed by then.
    """
    if not asks or room < 1:
        return Taken([], more=False)
    lock_only_what_matches(connection)
    with transaction.atomic(using=connection.alias):
        take_write_lock(connection)
        held = _lock(connection, list(asks))
        reached("limit.locked")
        counts = _running(connection, list(held))
        allowed, left = dict[str, int](), room
        for name, ask in asks.items():
            if name in held and left > 0:
                allowed[name] = min(left, ask.allowance.room(counts.get(name, 0), *held[name]))
                left -= allowed[name]
        ids = _lock_jobs(connection, _candidates(connection, backend, queue, asks, allowed), allowed)
        claims = claim_these(connection, ids, worker_id=worker_id) if ids else []
        reached("limit.before-turns")
        _take_turns(connection, claims, held, asks)
        reached("limit.before-commit")
    return Taken(claims, more=len(held) < len(asks) or (left == 0 and len(claims) < room))


def _lock(connection: BaseDatabaseWrapper, names: Sequence[str]) -> dict[str, tuple[datetime | None, datetime]]:
    """Lock keys, and return when the next job of each is due by its rate, and the time; those of others are left out.

    On SQLite who may write is alone anyway.
    """
    skip = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    these = f"WHERE name IN ({marks(names)}) ORDER BY name{skip}"
    moments = f"{readable_sql(connection, 'next_at')}, {now_sql(connection)}"
    rows = _fetch(connection, f"SELECT name, {moments} FROM {LIMITS} {these}", names)
    return {name: _moments(connection, next_at, now) for name, next_at, now in rows}


def _running(connection: BaseDatabaseWrapper, names: Sequence[str]) -> dict[str, int]:
    if not names:
        return {}
    return dict(
        _fetch(
            connection,
            f"SELECT limit_key, COUNT(*) FROM {TABLE} WHERE status = 'RUNNING' AND limit_key > ''"
            f" AND limit_key IN ({marks(names)}) GROUP BY limit_key",
            names,
        )
    )


def _candidates(
    connection: BaseDatabaseWrapper, backend: str, queue: str, asks: Mapping[str, Ask], allowed: Mapping[str, int]
) -> list[Any]:
    """Return the ids of the first due jobs under each key, a few more than are allowed; nothing is locked."""
    numbers = {name: count + _SPARE for name, count in allowed.items() if count > 0}
    if not numbers:
        return []
    # A key has jobs of its own tasks only, so these may be all that are asked for.
    paths = sorted({path for name in numbers for path in asks[name].paths})
    condition, params = due(connection, gate=Gate.LIMIT, backend=backend, queue=queue, paths=paths)
    these = f"{condition} AND limit_key = %s ORDER BY priority DESC, due_at, id"
    first = f"SELECT id FROM {_indexed(connection)} WHERE {these}"
    if connection.vendor == "postgresql":
        # It would plan a statement of a hundred parts for longer than it runs.
        first = first.replace("limit_key = %s", "limit_key = ask.name")
        statement = (
            "SELECT job.id FROM unnest(%s::text[], %s::int[]) AS ask (name, number)"
            f" CROSS JOIN LATERAL ({first} LIMIT ask.number) AS job"
        )
        params = [list(numbers), list(numbers.values()), *params]
    else:
        arms = (f"SELECT id FROM ({first} LIMIT %s) AS key_{number}" for number in range(len(numbers)))
        statement = " UNION ALL ".join(arms)
        params = [param for name, number in numbers.items() for param in (*params, name, number)]
    return [row[0] for row in _fetch(connection, statement, params)]


def _lock_jobs(connection: BaseDatabaseWrapper, ids: Sequence[Any], allowed: Mapping[str, int]) -> list[UUID]:
    """Lock jobs that nobody else has locked, and return the first of each key, as many as are allowed."""
    if not ids:
        return []
    skip = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    rows = _fetch(
        connection,
        f"SELECT id, limit_key FROM {TABLE}{by_index(connection)} WHERE id IN ({marks(ids)}) AND status = 'READY'"
        f" AND gate = 'limit' ORDER BY priority DESC, due_at, id{skip}",
        [uuid_param(connection, uuid_value(job_id)) for job_id in ids],
    )
    taken: dict[str, list[UUID]] = defaultdict(list)
    for job_id, key in rows:
        if len(taken[key]) < allowed[key]:
            taken[key].append(uuid_value(job_id))
    return [job_id for some in taken.values() for job_id in some]


def _take_turns(
    connection: BaseDatabaseWrapper,
    claims: Iterable[Claim],
    held: Mapping[str, tuple[datetime | None, datetime]],
    asks: Mapping[str, Ask],
) -> None:
    """Write down when the next jobs are due, counted from when these were claimed.

    The rows are written even if they have no rate: who would count by a snapshot that is older than these claims (an
    isolation level above READ COMMITTED) is refused by the database.
    """
    by_key: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_key[claim.limit_key].append(claim)
    rows, without = [], []
    for name, claimed in by_key.items():
        next_at, rate = held[name][0], asks[name].allowance.rate
        if rate is None:
            without.append(name)
        else:
            next_at = rate.after(next_at, max(claim.started_at for claim in claimed), len(claimed))
            rows.append(Limit(name=name, next_at=next_at, used_at=DatabaseNow()))
    if without:
        statement = f"UPDATE {LIMITS} SET used_at = {now_sql(connection)} WHERE name IN ({marks(without)})"
        _run(connection, statement, without)
    if rows:
        Limit.objects.using(connection.alias).bulk_update(rows, ["next_at", "used_at"], batch_size=100)


def prune_limits(*, older_than: timedelta, limit: int = 500) -> int:
    """Delete rows of keys that nobody has used for so long; they are made anew on demand. Return how many went."""
    connection = connections[alias()]
    rows = Limit.objects.using(connection.alias)
    past = Q(next_at=None) | Q(next_at__lt=DatabaseNow())
    names = list(rows.filter(past, used_at__lt=DatabaseNow() - older_than).values_list("pk", flat=True)[:limit])
    if not names:
        return 0
    skip = connection.features.has_select_for_update_skip_locked
    with impatient(connection):
        take_write_lock(connection)
        old = rows.filter(past, pk__in=names, used_at__lt=DatabaseNow() - older_than)
        free = list(old.select_for_update(skip_locked=skip).values_list("pk", flat=True))
        return rows.filter(pk__in=free).order_by().delete()[0] if free else 0


def _indexed(connection: BaseDatabaseWrapper) -> str:
    """Return the table of jobs, to be looked at by the index of limits."""
    return TABLE + by_index(connection, "jobqueue_limited")


def _moments(connection: BaseDatabaseWrapper, next_at: Any, now: Any) -> tuple[datetime | None, datetime]:
    told = moment(connection, now)
    assert told is not None
    return moment(connection, next_at), told


def _run(connection: BaseDatabaseWrapper, statement: str, params: Sequence[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def _fetch(connection: BaseDatabaseWrapper, statement: str, params: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())
