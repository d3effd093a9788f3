"""succeed, settle, hold: the writes of an owner whose job goes well. Each names the token; no row: not the owner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .. import sessions
from ..database import by_index, marks, now_sql, take_write_lock, uuid_param, uuid_value
from ..fence import Fence
from ..models import Job
from ..points import reached

TABLE = Job._meta.db_table
OWNED = "id = %s AND token = %s AND status = 'RUNNING'"


def _owned(connection: BaseDatabaseWrapper, fence: Fence) -> list[Any]:
    return [uuid_param(connection, fence.job_id), uuid_param(connection, fence.token)]


def succeed(connection: BaseDatabaseWrapper, fence: Fence, result: str | None, *, steps: int = 0) -> bool:
    """RUNNING → SUCCESSFUL with that result (JSON), as the last statement of the body's own transaction.

    Return False when the job is not ours, or another number of steps than that was committed under this claim: the
    caller must then roll back everything the body wrote.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE}{by_index(connection)} SET status = 'SUCCESSFUL', outcome = 'ok', result = %s, "
            f"finished_at = {now_sql(connection)} WHERE {OWNED} AND steps = %s{_then_commit_soon(connection)}",
            [result, *_owned(connection, fence), steps],
        )
        return bool(cursor.rowcount == 1)


def hold(connection: BaseDatabaseWrapper, fence: Fence, *, steps: int) -> bool:
    """Count a step, as the last statement of its transaction, after that many others of this claim.

    Return False when the job is not ours, or when it was that many steps ago or ahead: the database was set back to an
    older state, in which the claim is the same and steps are missing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE}{by_index(connection)} SET fenced_at = {now_sql(connection)}, steps = steps + 1 "
            f"WHERE {OWNED} AND steps = %s{_then_commit_soon(connection)}",
            [*_owned(connection, fence), steps],
        )
        return bool(cursor.rowcount == 1)


@contextmanager
def held(connection: BaseDatabaseWrapper, fence: Fence) -> Iterator[bool]:
    """Keep everybody else from a job in a transaction of its own, and give whether it is ours.

    For as long as it is open, nobody takes the job away. It has nothing to commit that matters.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE}{by_index(connection)} SET fenced_at = {now_sql(connection)} "
            f"WHERE {OWNED}{_then_commit_soon(connection)}",
            _owned(connection, fence),
        )
        yield bool(cursor.rowcount == 1)


def _then_commit_soon(connection: BaseDatabaseWrapper) -> str:
    """Return what makes PostgreSQL end this transaction if COMMIT, which is all that is left, does not come soon.

    It is in the statement of the fence itself, so it costs nothing, and it ends with the transaction.
    """
    if connection.vendor != "postgresql":
        return ""
    return f" RETURNING set_config('idle_in_transaction_session_timeout', '{sessions.COMMIT_SECONDS}s', true)"


def decided(connection: BaseDatabaseWrapper, fence: Fence) -> bool:
    """Return whether the job was settled as successful under this fence, after a COMMIT of unknown outcome."""
    return _once_it_is_decided(connection, fence)[0] == "SUCCESSFUL"


def steps_committed(connection: BaseDatabaseWrapper, fence: Fence) -> int | None:
    """Return how many steps of a claim are committed, after a COMMIT of unknown outcome; None when it is not ours."""
    status, steps = _once_it_is_decided(connection, fence)
    return steps if status == "RUNNING" else None


def _once_it_is_decided(connection: BaseDatabaseWrapper, fence: Fence) -> tuple[str, int | None]:
    """Return the status of a job and its steps, as they are under this fence; an empty status when it is not ours.

    The read locks: it waits for a COMMIT that is still under way on the server. A plain read could see RUNNING and be
    wrong two seconds later.
    """
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with transaction.atomic(using=connection.alias):
        take_write_lock(connection)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT status, steps, token FROM {TABLE} WHERE id = %s{lock}", [uuid_param(connection, fence.job_id)]
            )
            row = cursor.fetchone()
    if row is None or row[2] is None or uuid_value(row[2]) != fence.token:
        return "", None
    return row[0], row[1]


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
        reached("settle.before-commit")
    return settled


def settle_free(
    connection: BaseDatabaseWrapper, outcomes: Sequence[tuple[Fence, str | None]]
) -> tuple[set[UUID], set[UUID]]:
    """As settle(), but wait for no row that somebody else has locked; return the ids that were ours, and the locked."""
    skip = connection.features.has_select_for_update_skip_locked
    jobs = Job.objects.using(connection.alias).filter(pk__in=[fence.job_id for fence, _ in outcomes]).order_by("pk")
    with transaction.atomic(using=connection.alias):
        take_write_lock(connection)
        free = set(jobs.select_for_update(skip_locked=skip).values_list("pk", flat=True))
        settled = settle(connection, [(fence, result) for fence, result in outcomes if fence.job_id in free])
        return settled, set(jobs.values_list("pk", flat=True)) - free


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
    where = f"token = %s AND id IN ({marks(ids)})"
    params = [uuid_param(connection, token), *(uuid_param(connection, job_id) for job_id in ids)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLE}{by_index(connection)} SET status = 'SUCCESSFUL', outcome = 'ok', result = %s, "
            f"finished_at = {now_sql(connection)} WHERE status = 'RUNNING' AND {where}",
            [result, *params],
        )
        if cursor.rowcount == len(ids):
            return ids
        # Some were not ours, or settled before. What is SUCCESSFUL under this token is ours.
        cursor.execute(f"SELECT id FROM {TABLE}{by_index(connection)} WHERE status = 'SUCCESSFUL' AND {where}", params)
        return [uuid_value(row[0]) for row in cursor.fetchall()]
