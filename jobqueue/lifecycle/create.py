"""create, create_many: jobs come into being, in the transaction of whoever enqueues them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime
from itertools import repeat
from json import dumps
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .. import ledger
from ..database import alias, moment, new_id, new_ids, now_sql
from ..errors import IdempotencyConflict
from ..models import Gate, Job
from ..payload import fingerprint
from ..points import reached
from ..spans import seconds_of
from ..task import JobTask
from . import unique
from .depend import depend
from .gates import gate_of
from .tag import tag

_COLUMNS = (
    "id, backend, task_path, queue, priority, arguments, idempotency_key, "
    "status, gate, limit_key, outcome, attempt, worker_id, failures, crashes, enqueued_at, due_at"
)


# Of 12 parameters each at most; SQLite takes 32,766 in a statement, MariaDB 16 MiB, and a text four bytes a character.
_MOST_ROWS = 2000
_MOST_CHARACTERS = 2_000_000


class Created(NamedTuple):
    """The id of a new job, and when it was enqueued by the database's clock; None when the database can't tell."""

    job_id: UUID
    enqueued_at: datetime | None


class Row(NamedTuple):
    """One job of many: the task has the values of its call, the arguments are JSON. No gate: as its limit has it."""

    job_id: str
    arguments: str
    task: JobTask
    unique_key: str | None = None
    limit_key: str = ""
    gate: Gate | None = None


def create(task: JobTask, arguments: str, *, unique_key: str | None = None, limit_key: str = "") -> Created | UUID:
    """Insert a job and return it as Created; or return the id of the job that is there for its key.

    That is the one for which the task's idempotency key was used before, or the one that holds the unique key. Raises
    IdempotencyConflict when an idempotency key was used with other arguments, and UnknownDependency when the job is to
    wait for one that is not there.
    """
    connection = connections[alias()]
    if not (task.after or task.tags):
        return _create(connection, task, arguments, unique_key, limit_key)
    with transaction.atomic(using=connection.alias):
        created = _create(connection, task, arguments, unique_key, limit_key)
        if isinstance(created, Created):
            write_rest(connection, [(created.job_id, task)])
        return created


def write_rest(connection: BaseDatabaseWrapper, jobs: Sequence[tuple[UUID, JobTask]]) -> None:
    """Write down what these new jobs have beside their own rows; most have nothing."""
    if tagged := [(job_id, task) for job_id, task in jobs if task.tags]:
        tag(connection, tagged)
    if behind := [(job_id, task) for job_id, task in jobs if task.after]:
        depend(connection, behind)


def _create(
    connection: BaseDatabaseWrapper, task: JobTask, arguments: str, unique_key: str | None, limit_key: str
) -> Created | UUID:
    if unique_key is not None:
        return _create_unique(connection, task, arguments, unique_key, limit_key)
    if task.idempotency_key is None:
        return insert(connection, task, new_id(), arguments, limit_key=limit_key)
    with transaction.atomic(using=connection.alias):
        job_id, print_ = new_id(), fingerprint(task.module_path, arguments)
        scope = ledger.enqueue_scope(task.module_path)
        reached("enqueue.before-ledger")
        entry = ledger.reserve(connection, scope, task.idempotency_key, job_id=job_id, fingerprint=print_)
        # To ask whether it may be taken over would lock it for as long as the caller's transaction lasts.
        if entry is not None and ledger.is_over(connection, entry) and not _is_unfinished(connection, entry.job_id):
            entry = ledger.take_over(connection, entry, job_id=job_id, fingerprint=print_)
        if entry is None:
            if task.key_ttl is not None:
                ledger.lend(connection, scope, task.idempotency_key, job_id=job_id, ttl=seconds_of(task.key_ttl))
            return insert(connection, task, job_id, arguments, limit_key=limit_key)
        if entry.fingerprint != print_:
            raise IdempotencyConflict(
                f"The idempotency key {task.idempotency_key!r} of {task.module_path} was used before with other "
                f"arguments, for job {entry.job_id}: use another key for another call. Nothing was enqueued."
            )
        return entry.job_id


def _is_unfinished(connection: BaseDatabaseWrapper, job_id: UUID) -> bool:
    return Job.objects.using(connection.alias).unfinished().filter(pk=job_id).exists()


def _create_unique(
    connection: BaseDatabaseWrapper, task: JobTask, arguments: str, key: str, limit_key: str
) -> Created | UUID:
    """Insert a job, or return the one that holds its key; once more when that let go meanwhile."""
    job_id = new_id()
    while True:
        with transaction.atomic(using=connection.alias) if connection.vendor == "mysql" else nullcontext():
            if holder := unique.known_holders(connection, task, [key]).get(key):
                return holder
            created = insert(connection, task, job_id, arguments, unique_key=key, limit_key=limit_key)
            if created.enqueued_at is not None and connection.vendor != "mysql":
                return created
            if holder := unique.holders(connection, task, [key]).get(key):
                return created if holder == job_id else holder


def insert(
    connection: BaseDatabaseWrapper,
    task: JobTask,
    job_id: UUID,
    arguments: str,
    *,
    unique_key: str | None = None,
    limit_key: str,
    gate: Gate | None = None,
) -> Created:
    """Insert one job, behind that gate, or else behind the one of its limit, if it has one."""
    reached("enqueue.before-insert")
    returns = connection.features.can_return_columns_from_insert
    values, params = _values(connection, Row(str(job_id), arguments, task, unique_key, limit_key, gate))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Job._meta.db_table} ({_columns(task)}) VALUES {values}{unique.otherwise(connection, task)}"
            f"{' RETURNING enqueued_at' if returns else ''}",
            params,
        )
        # A job whose key is held was not inserted: there is nothing to return.
        returned = cursor.fetchone() if returns else None
    reached("enqueue.after-insert")
    return Created(job_id, moment(connection, returned[0] if returned else None))


def create_many(task: JobTask, arguments: Sequence[str], *, limit_keys: Sequence[str] | None = None) -> list[str]:
    """Insert a job for each of the arguments, all or none, and return their ids in that order.

    ``limit_keys`` are theirs, in that order too; None when the task has no limits.
    """
    connection = connections[alias()]
    ids = new_ids(len(arguments))
    keys = {""} if limit_keys is None else set(limit_keys)
    with transaction.atomic(using=connection.alias):
        if connection.vendor == "postgresql" and len(keys) == 1:
            _in_lots(arguments, lambda lot: _insert_alike(connection, task, ids[lot], arguments[lot], *keys))
        else:
            limits = limit_keys or repeat("")
            insert_rows(connection, list(map(Row, ids, arguments, repeat(task), repeat(None), limits)))
        if task.after or task.tags:
            write_rest(connection, [(UUID(job_id), task) for job_id in ids])
    return ids


def insert_rows(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> None:
    """Insert jobs of one task, in this order and in few statements, but for those whose unique key is held."""
    insert = _insert_documents if connection.vendor == "postgresql" else _insert_values
    _in_lots([row.arguments for row in rows], lambda lot: insert(connection, rows[lot]))


def _in_lots(texts: Sequence[str], insert: Callable[[slice], None]) -> None:
    """Insert as many jobs at a time as a statement takes on every database: in number, and in size of their texts."""
    for lot in _lots(texts):
        insert(lot)
        reached("enqueue.between-lots")


def _lots(texts: Sequence[str]) -> Iterator[slice]:
    begin = size = 0
    for end, text in enumerate(texts):
        if end > begin and (end - begin == _MOST_ROWS or size + len(text) > _MOST_CHARACTERS):
            yield slice(begin, end)
            begin, size = end, 0
        size += len(text)
    if texts:
        yield slice(begin, None)


def _insert_alike(
    connection: BaseDatabaseWrapper, task: JobTask, ids: Sequence[str], arguments: Sequence[str], limit_key: str
) -> None:
    """Insert jobs that differ in their arguments alone, and have no unique key."""
    now = now_sql(connection)
    due = now if task.run_after is None else "%s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Job._meta.db_table} ({_COLUMNS})"
            f" SELECT id, %s, %s, %s, %s, arguments::jsonb, %s, 'READY', %s, %s, '', 0, '', 0, 0, {now}, {due}"
            " FROM ROWS FROM (unnest(%s::uuid[]), json_array_elements(%s::json)) AS new (id, arguments)",
            [
                *(task.backend, task.module_path, task.queue_name, task.priority, task.idempotency_key),
                *(gate_of(limit_key), limit_key),
                *_due(connection, task),
                # Two texts: a driver's list of values costs more, for each of its values, than the server for the row.
                *(f"{{{','.join(ids)}}}", f"[{','.join(arguments)}]"),
            ],
        )


def _insert_documents(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> None:
    """Insert jobs that have values of their own: one text again, with a document for each of them."""
    task, now = rows[0].task, now_sql(connection)
    unique_columns = ", unique_key, %s" if task.unique else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Job._meta.db_table} ({_columns(task)})"
            " SELECT id, %s, %s, queue, priority, arguments::jsonb, idempotency_key, 'READY', gate, limit_key, '', "
            f"0, '', 0, 0, {now}, COALESCE(due_at, {now}){unique_columns} FROM json_to_recordset(%s::json) AS new "
            "(id uuid, queue text, priority smallint, arguments json, idempotency_key text, due_at timestamptz, "
            "unique_key text, gate text, limit_key text)"
            f"{unique.otherwise(connection, task)}",
            [
                task.backend,
                task.module_path,
                *([task.unique] if task.unique else []),
                f"[{','.join([_document(connection, row) for row in rows])}]",
            ],
        )


def _document(connection: BaseDatabaseWrapper, row: Row) -> str:
    due = [moment.isoformat() for moment in _due(connection, row.task)]
    values = {
        "id": row.job_id,
        "queue": row.task.queue_name,
        "priority": row.task.priority,
        "idempotency_key": row.task.idempotency_key,
        "due_at": due[0] if due else None,
        "unique_key": row.unique_key,
        "gate": gate_of(row.limit_key),
        "limit_key": row.limit_key,
    }
    return f'{{"arguments":{row.arguments},{dumps(values)[1:]}'


def _insert_values(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> None:
    values: list[str] = []
    params: list[Any] = []
    for row in rows:
        its_values, its_params = _values(connection, row)
        values.append(its_values)
        params += its_params
    task = rows[0].task
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Job._meta.db_table} ({_columns(task)}) VALUES {', '.join(values)}"
            f"{unique.otherwise(connection, task)}",
            params,
        )


def _columns(task: JobTask) -> str:
    return f"{_COLUMNS}, unique_key, unique_while" if task.unique else _COLUMNS


def _values(connection: BaseDatabaseWrapper, row: Row) -> tuple[str, list[Any]]:
    """Return the values of a job for these columns, as SQL with its parameters."""
    task, now = row.task, now_sql(connection)
    due = now if task.run_after is None else "%s"
    unique_values, unique_params = (", %s, %s", [row.unique_key, task.unique]) if task.unique else ("", [])
    gate = gate_of(row.limit_key) if row.gate is None else row.gate.value
    # A parameter costs more than all else about a value; most jobs have no key, no limit and no gate.
    key_value, key_params = ("NULL", []) if task.idempotency_key is None else ("%s", [task.idempotency_key])
    limit_values, limit_params = ("%s, %s", [gate, row.limit_key]) if gate or row.limit_key else ("'', ''", [])
    values = (
        f"(%s, %s, %s, %s, {task.priority:d}, %s, {key_value}, 'READY', {limit_values}, '', 0, '', 0, 0, {now}, {due}"
        f"{unique_values})"
    )
    # As a text: to have the driver make one of a UUID takes longer.
    job_id = row.job_id if connection.features.has_native_uuid_field else row.job_id.replace("-", "")
    return values, [
        *(job_id, task.backend, task.module_path, task.queue_name, row.arguments),
        *key_params,
        *limit_params,
        *_due(connection, task),
        *unique_params,
    ]


def _due(connection: BaseDatabaseWrapper, task: JobTask) -> list[Any]:
    if task.run_after is None:
        return []
    return [Job._meta.get_field("due_at").get_db_prep_value(task.run_after, connection)]
