"""succeed, settle, hold: the writes of an owner whose job goes well. Each names the token; no row: not the owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .. import sessions
from ..database import now_sql, take_write_lock, uuid_param, uuid_value
from ..fence import Fence
from ..models import Job

TABLE = Job._meta.db_table
OWNED = "id = %s AND token = %s AND status = 'RUNNING'"


def _by_key(connection: BaseDatabaseWrapper) -> str:
    """Return what keeps MariaDB and MySQL from other indexes: by those they would wait for jobs not asked for."""
    return " FORCE INDEX (PRIMARY)" if connection.vendor == "mysql" else ""


def _owned(connection: BaseDatabaseWrapper, fence: Fence) -> list[Any]:
    return [uuid_param(connection, fence.job_id), uuid_param(connection, fence.token)]


def succeed(connection: BaseDatabaseWrapper, fence: Fence, result: str | None) -> bool:
    """RUNNING → SUCCESSFUL with that result (JSON), as the last statement of the body's own transaction.

    Return False when the job is not ours: the caller must then roll back everything the body wrote.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE}{_by_key(connection)} SET status = 'SUCCESSFUL', outcome = 'ok', result = %s, "
            f"finished_at = {now_sql(connection)} WHERE {OWNED}{_then_commit_soon(connection)}",
            [result, *_owned(connection, fence)],
        )
        return bool(cursor.rowcount == 1)


def hold(connection: BaseDatabaseWrapper, fence: Fence) -> bool:
    """Lock the job as its owner until the transaction ends, as the last statement of a step; False when not ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE}{_by_key(connection)} SET fenced_at = {now_sql(connection)} "
            f"WHERE {OWNED}{_then_commit_soon(connection)}",
            _owned(connection, fence),
        )
        return bool(cursor.rowcount == 1)


def _then_commit_soon(connection: BaseDatabaseWrapper) -> str:
    """Return what makes PostgreSQL end this transaction if COMMIT, which is all that is left, does not come soon.

    It is in the statement of the fence itself, so it costs nothing, and it ends with the transaction.
    """
    if connection.vendor != "postgresql":
        return ""
    return f" RETURNING set_config('idle_in_transaction_session_timeout', '{sessions.COMMIT_SECONDS}s', true)"


def decided(connection: BaseDatabaseWrapper, fence: Fence) -> bool:
    """Return whether the job was settled as successful under this fence, after a COMMIT of unknown outcome.

    The read locks: it waits for a COMMIT that is still under way on the server. A plain read could see RUNNING and be
    wrong two seconds later.
    """
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with transaction.atomic(using=connection.alias):
        take_write_lock(connection)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT status, token FROM {TABLE} WHERE id = %s{lock}", [uuid_param(connection, fence.job_id)]
            )
            row = cursor.fetchone()
    return bool(row and row[0] == "SUCCESSFUL" and row[1] is not None and uuid_value(row[1]) == fence.token)


def settle(connection: BaseDatabaseWrapper, outcomes: Sequence[tuple[Fence, str | None]]) -> set[UUID]:
    """RUNNING → SUCCESSFUL for a batch of jobs whose bodies left nothing to commit; return the ids that were ours.

    May be said again when the connection broke before the answer came: what is SUCCESSFUL under the token is ours.
    """
    if not outcomes:
        return set()
    if connection.vendor == "postgresql":
        return _settle_unnest(connection, outcomes)
    groups: dict[tuple[UUID, str | None], list[UUID]] = defaultdict(list)
    for fence, result in sorted(outcomes, key=lambda outcome: outcome[0]):
        groups[fence.token, result].append(fence.job_id)
    settled: set[UUID] = set()
    with transaction.atomic(using=connection.alias):
        for (token, result), ids in groups.items():
            settled.update(_settle_group(connection, token, result, ids))
    return settled


def _settle_unnest(connection: BaseDatabaseWrapper, outcomes: Sequence[tuple[Fence, str | None]]) -> set[UUID]:
    ids = _array(fence.job_id for fence, _ in outcomes)
    tokens = _array(fence.token for fence, _ in outcomes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE} AS job SET status = 'SUCCESSFUL', outcome = 'ok', result = ended.result::jsonb, "
            f"finished_at = {now_sql(connection)} "
            "FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS ended (id, token, result) "
            "WHERE job.id = ended.id AND job.token = ended.token AND job.status = 'RUNNING'",
            [ids, tokens, [result for _, result in outcomes]],
        )
        if cursor.rowcount == len(outcomes):
            return {fence.job_id for fence, _ in outcomes}
        # Some were not ours, or settled before. What is SUCCESSFUL under its token is ours.
        cursor.execute(
            f"SELECT job.id FROM {TABLE} AS job JOIN unnest(%s::uuid[], %s::uuid[]) AS ended (id, token) "
            "ON job.id = ended.id AND job.token = ended.token WHERE job.status = 'SUCCESSFUL'",
            [ids, tokens],
        )
        return {row[0] for row in cursor.fetchall()}


def _array(values: Iterable[UUID]) -> str:
    """Return an array of UUIDs as PostgreSQL reads it: the driver would look into each value for its type."""
    return f"{{{','.join([value.hex for value in values])}}}"


def _settle_group(connection: BaseDatabaseWrapper, token: UUID, result: str | None, ids: list[UUID]) -> Iterable[UUID]:
    """Settle the jobs of one claim that have the same result."""
    by_key = _by_key(connection)
    where = f"token = %s AND id IN ({', '.join(['%s'] * len(ids))})"
    params = [uuid_param(connection, token), *(uuid_param(connection, job_id) for job_id in ids)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE}{by_key} SET status = 'SUCCESSFUL', outcome = 'ok', result = %s, "
            f"finished_at = {now_sql(connection)} WHERE status = 'RUNNING' AND {where}",
            [result, *params],
        )
        if cursor.rowcount == len(ids):
            return ids
        # Some were not ours, or settled before. What is SUCCESSFUL under this token is ours.
        cursor.execute(f"SELECT id FROM {TABLE}{by_key} WHERE status = 'SUCCESSFUL' AND {where}", params)
        return [uuid_value(row[0]) for row in cursor.fetchall()]
