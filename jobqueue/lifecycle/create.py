"""create: a job comes into being, in the transaction of whoever enqueues it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .. import ledger
from ..database import alias, moment, new_id, new_ids, now_sql, uuid_param
from ..errors import IdempotencyConflict
from ..models import Job
from ..payload import fingerprint
from ..task import JobTask

_COLUMNS = (
    "id, backend, task_path, queue, priority, arguments, idempotency_key, "
    "status, outcome, attempt, worker_id, failures, crashes, enqueued_at, due_at"
)


# Of 8 parameters each; SQLite takes 32,766 in a statement, MariaDB 16 MiB, and a text at most four bytes a character.
_MOST_ROWS = 2000
_MOST_CHARACTERS = 2_000_000


class Created(NamedTuple):
    """The id of a new job, and when it was enqueued by the database's clock; None when the database can't tell."""

    job_id: UUID
    enqueued_at: datetime | None


def create(task: JobTask, arguments: str) -> Created | UUID:
    """Insert a job and return it as Created; or, when the task's idempotency key was used before, that job's id.

    Raises IdempotencyConflict when the key was used with other arguments.
    """
    connection = connections[alias()]
    if task.idempotency_key is None:
        return _insert(connection, task, new_id(), arguments)
    with transaction.atomic(using=connection.alias):
        job_id, print_ = new_id(), fingerprint(task.module_path, arguments)
        scope = ledger.enqueue_scope(task.module_path)
        entry = ledger.reserve(connection, scope, task.idempotency_key, job_id=job_id, fingerprint=print_)
        if entry is None:
            return _insert(connection, task, job_id, arguments)
        if entry.fingerprint != print_:
            raise IdempotencyConflict(
                f"The idempotency key {task.idempotency_key!r} of {task.module_path} was used before with other "
                f"arguments, for job {entry.job_id}: use another key for another call. Nothing was enqueued."
            )
        return entry.job_id


def _insert(connection: BaseDatabaseWrapper, task: JobTask, job_id: UUID, arguments: str) -> Created:
    now = now_sql(connection)
    due = now if task.run_after is None else "%s"
    returns = connection.features.can_return_columns_from_insert
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Job._meta.db_table} ({_COLUMNS})"
            f" VALUES (%s, %s, %s, %s, %s, %s, %s, 'READY', '', 0, '', 0, 0, {now}, {due})"
            f"{' RETURNING enqueued_at' if returns else ''}",
            [uuid_param(connection, job_id), *_shared(connection, task, arguments), *_due(connection, task)],
        )
        enqueued_at = cursor.fetchone()[0] if returns else None
    return Created(job_id, moment(connection, enqueued_at))


def create_many(task: JobTask, arguments: Sequence[str]) -> list[str]:
    """Insert a job for each of the arguments, all or none, and return their ids in that order."""
    connection = connections[alias()]
    ids = new_ids(len(arguments))
    rows = list(zip(ids, arguments, strict=True))
    insert = _insert_arrays if connection.vendor == "postgresql" else _insert_values
    with transaction.atomic(using=connection.alias):
        for chunk in _chunks(rows):
            insert(connection, task, chunk)
    return ids


def _chunks(rows: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield rows in lots that a statement takes on every database: in number, and in size of their texts."""
    chunk: list[tuple[str, str]] = []
    size = 0
    for row in rows:
        if chunk and (len(chunk) == _MOST_ROWS or size + len(row[1]) > _MOST_CHARACTERS):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += len(row[1])
    if chunk:
        yield chunk


def _insert_arrays(connection: BaseDatabaseWrapper, task: JobTask, rows: Sequence[tuple[str, str]]) -> None:
    now = now_sql(connection)
    due = now if task.run_after is None else "%s"
    backend, path, queue, priority, _, key = _shared(connection, task, "")
    # Two texts: a driver's list of values costs more, for each of its values, than the server does for the row.
    ids, texts = ",".join([job_id for job_id, _ in rows]), ",".join([text for _, text in rows])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Job._meta.db_table} ({_COLUMNS})"
            f" SELECT id, %s, %s, %s, %s, arguments::jsonb, %s, 'READY', '', 0, '', 0, 0, {now}, {due}"
            " FROM ROWS FROM (unnest(%s::uuid[]), json_array_elements(%s::json)) AS new (id, arguments)",
            [backend, path, queue, priority, key, *_due(connection, task), f"{{{ids}}}", f"[{texts}]"],
        )


def _insert_values(connection: BaseDatabaseWrapper, task: JobTask, rows: Sequence[tuple[str, str]]) -> None:
    now = now_sql(connection)
    due = now if task.run_after is None else "%s"
    row = f"(%s, %s, %s, %s, %s, %s, %s, 'READY', '', 0, '', 0, 0, {now}, {due})"
    params: list[Any] = []
    for job_id, text in rows:
        params += [uuid_param(connection, UUID(job_id)), *_shared(connection, task, text), *_due(connection, task)]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {Job._meta.db_table} ({_COLUMNS}) VALUES {', '.join([row] * len(rows))}", params)


def _shared(connection: BaseDatabaseWrapper, task: JobTask, arguments: str) -> list[Any]:
    return [task.backend, task.module_path, task.queue_name, task.priority, arguments, task.idempotency_key]


def _due(connection: BaseDatabaseWrapper, task: JobTask) -> list[Any]:
    if task.run_after is None:
        return []
    return [Job._meta.get_field("due_at").get_db_prep_value(task.run_after, connection)]
