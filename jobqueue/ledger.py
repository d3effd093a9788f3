"""The idempotency ledger: that something happened, and what came of it. SQL only.

Every entry is unique in (scope, key). Whoever inserts it in the transaction of the effect makes the two one: the effect
is committed if and only if the entry is, and it cannot be committed twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db import IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, CharField, DateTimeField, Field, Q, UUIDField, Value, When

from .database import DatabaseNow, alias, by_index, by_primary_key, error_code, marks, now_sql, uuid_param
from .errors import LeaseLost, NotMigrated
from .fence import Fence
from .models import Job, LedgerEntry

TABLE = LedgerEntry._meta.db_table
_LOT = 500


class Reservation(NamedTuple):
    """A key that is to be entered for a job, for so many seconds if not for ever."""

    key: str
    job_id: UUID
    fingerprint: str
    ttl: float | None = None


def enqueue_scope(task_path: str) -> str:
    """Return the scope of the idempotency keys of a task."""
    return f"enqueue:{task_path}"


def step_scope(job_id: UUID) -> str:
    """Return the scope of the steps of a job."""
    return f"step:{job_id}"


def schedule_scope(name: str) -> str:
    """Return the scope of the ticks of a schedule."""
    return f"schedule:{name}"


def checkpoint_scope(job_id: UUID) -> str:
    """Return the scope of the checkpoint of a job."""
    return f"checkpoint:{job_id}"


def delivery_scope(job_id: UUID) -> str:
    """Return the scope of what a job delivers outside the database."""
    return f"delivery:{job_id}"


def scopes_of(job_id: UUID) -> list[str]:
    """Return the scopes of all that goes with a job: its steps, its deliveries, its checkpoint."""
    return [step_scope(job_id), delivery_scope(job_id), checkpoint_scope(job_id)]


# On the database of a caller: that its transaction, and with it the enqueue of a job, was committed.
COMMITTED = "commit"
# On the jobs' database: the job waits to hear of that, and of which alias.
_WAITS = "waits"
_MARKERS_KEPT = timedelta(days=1)
# Of a tick for which no job was made.
_WAS_THERE = {"job": "was there"}


def reserve(
    connection: BaseDatabaseWrapper, scope: str, key: str, *, job_id: UUID, fingerprint: str
) -> LedgerEntry | None:
    """Enter (scope, key) in the caller's transaction and return None, or return the entry that was there before.

    Waits for another transaction that is entering the same key, and goes by how that one ends.
    """
    entries = LedgerEntry.objects.using(connection.alias).filter(scope=scope, key=key)
    if connection.vendor == "mysql":
        # Mostly the answer is there already, and this looks without locking.
        entry = entries.first() or _enter_or_lock(connection, scope, key, job_id, fingerprint)
        return None if entry.job_id == job_id else entry
    while not _insert(connection, scope, key, job_id, fingerprint, "ON CONFLICT (scope, key) DO NOTHING"):
        if (there := entries.first()) is not None:  # Else its time was over, and it went just now.
            return there
    return None


def _enter_or_lock(
    connection: BaseDatabaseWrapper, scope: str, key: str, job_id: UUID, fingerprint: str
) -> LedgerEntry:
    """Enter a key, or lock the entry that is there, and return the one or the other.

    INSERT IGNORE would turn every other error into a warning, and leave two who wait for a third deadlocked: each
    would share a lock that each then wants for itself. This takes it whole.
    """
    _insert(connection, scope, key, job_id, fingerprint, "ON DUPLICATE KEY UPDATE id = id")
    # A plain read may look at a snapshot from before the other transaction committed.
    return LedgerEntry.objects.using(connection.alias).select_for_update().get(scope=scope, key=key)


def _insert(
    connection: BaseDatabaseWrapper, scope: str, key: str, job_id: UUID, fingerprint: str, otherwise: str
) -> int:
    columns = ", ".join(
        map(connection.ops.quote_name, ("scope", "key", "job_id", "attempt", "fingerprint", "created_at"))
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} ({columns}) VALUES (%s, %s, %s, 0, %s, {now_sql(connection)}) {otherwise}",
            [scope, key, uuid_param(connection, job_id), fingerprint],
        )
        return cast(int, cursor.rowcount)


def reserve_many(connection: BaseDatabaseWrapper, scope: str, wanted: Sequence[Reservation]) -> dict[str, LedgerEntry]:
    """Enter keys in the caller's transaction, and return the entries of those that were there before, by key.

    As reserve() does, in few statements, and in the order of the keys: two who enter the same ones, in whatever order
    they were asked for, wait for each other at the first, and never both.
    """
    there: dict[str, LedgerEntry] = {}
    ordered = sorted(wanted)
    column = f"scope = %s AND {connection.ops.quote_name('key')}"
    if connection.vendor == "mysql":
        there = _read(connection, column, [scope], [one.key for one in ordered])
        ordered = [one for one in ordered if one.key not in there]
    for lot in batched(ordered, _LOT):
        _insert_many(connection, scope, lot)
    ours = {one.key: one.job_id for one in ordered}
    lock = "FOR UPDATE" if connection.vendor == "mysql" else ""
    entered = _read(connection, column, [scope], list(ours), lock=lock)
    return there | {key: entry for key, entry in entered.items() if entry.job_id != ours[key]}


def _read(
    connection: BaseDatabaseWrapper,
    column: str,
    params: Sequence[Any],
    values: Sequence[Any],
    *,
    lock: str = "",
    index: str = "jobqueue_ledger_once",
) -> dict[str, LedgerEntry]:
    """Return entries by key: those whose column has one of the values. The index is told to MariaDB and MySQL.

    On a small table these would read all there is otherwise, and wait for every row that somebody has locked.
    """
    entries = LedgerEntry.objects.using(connection.alias)
    found: dict[str, LedgerEntry] = {}
    rows = f"SELECT *, expires_at < {now_sql(connection)} AS is_over FROM {TABLE}{by_index(connection, index)}"
    for lot in batched(values, _LOT):
        statement = f"{rows} WHERE {column} IN ({marks(lot)}) ORDER BY id {lock}"
        found.update((entry.key, entry) for entry in entries.raw(statement, [*params, *lot]))
    return found


def _insert_many(connection: BaseDatabaseWrapper, scope: str, lot: Sequence[Reservation]) -> None:
    rows = [
        LedgerEntry(
            scope=scope,
            key=one.key,
            job_id=one.job_id,
            fingerprint=one.fingerprint,
            created_at=DatabaseNow(),
            expires_at=None if one.ttl is None else DatabaseNow() + timedelta(seconds=one.ttl),
        )
        for one in lot
    ]
    entries = LedgerEntry.objects.using(connection.alias)
    if connection.vendor == "mysql":  # Not INSERT IGNORE: see _enter_or_lock().
        entries.bulk_create(rows, update_conflicts=True, update_fields=["scope"])
    else:
        entries.bulk_create(rows, ignore_conflicts=True)


def take_over_many(
    connection: BaseDatabaseWrapper, scope: str, entries: Iterable[LedgerEntry], wanted: Mapping[str, Reservation]
) -> dict[str, LedgerEntry]:
    """Enter other jobs for keys whose time is over, as take_over() does; return the entries that stand, by key.

    By their ids, in one order. Deleting them and entering the keys anew would lock the entries next to them, too.
    """
    seen = {entry.pk: entry for entry in entries}
    lock = "FOR UPDATE" if connection.features.has_select_for_update else ""
    there = _read(connection, "id", [], sorted(seen), lock=lock, index="PRIMARY")
    locked: Iterable[Any] = there.values()
    free: list[LedgerEntry] = [it for it in locked if it.is_over and it.job_id == seen[it.pk].job_id]
    for lot in batched(free, _LOT):
        _enter_instead(connection, {entry.pk: wanted[entry.key] for entry in lot})
    gone = [wanted[entry.key] for entry in seen.values() if entry.key not in there]
    taken = {entry.key for entry in free}
    return {key: entry for key, entry in there.items() if key not in taken} | (
        reserve_many(connection, scope, gone) if gone else {}
    )


def _enter_instead(connection: BaseDatabaseWrapper, wanted: Mapping[int, Reservation]) -> None:
    def each(value: Callable[[Reservation], Any], field: Field[Any, Any]) -> Case:
        values = {pk: value(one) for pk, one in wanted.items()}
        return Case(*(When(pk=pk, then=it) for pk, it in values.items() if it is not None), output_field=field)

    with by_primary_key(connection, TABLE):
        LedgerEntry.objects.using(connection.alias).filter(pk__in=wanted).update(
            job_id=each(lambda one: Value(one.job_id, output_field=UUIDField()), UUIDField()),
            fingerprint=each(lambda one: Value(one.fingerprint, output_field=CharField()), CharField()),
            value=None,
            created_at=DatabaseNow(),
            expires_at=each(lambda one: one.ttl and DatabaseNow() + timedelta(seconds=one.ttl), DateTimeField()),
        )


def lend(connection: BaseDatabaseWrapper, scope: str, key: str, *, job_id: UUID, ttl: float) -> None:
    """Let a key that was entered just now be free again in so many seconds, once its job has ended."""
    entries = LedgerEntry.objects.using(connection.alias).filter(scope=scope, key=key, job_id=job_id)
    entries.update(expires_at=DatabaseNow() + timedelta(seconds=ttl))


def hand_over(
    connection: BaseDatabaseWrapper, scope: str, key: str, *, of: UUID, job_id: UUID, was_there: bool, ttl: float
) -> None:
    """Name the job of a key that was entered just now as ``of`` a placeholder; forget it after the ttl.

    Whether it was made for this key, or was there before, is kept with it.
    """
    entries = LedgerEntry.objects.using(connection.alias).filter(scope=scope, key=key, job_id=of)
    value = _WAS_THERE if was_there else None
    entries.update(job_id=job_id, value=value, expires_at=DatabaseNow() + timedelta(seconds=ttl))


def tick_of(job_id: UUID) -> datetime | None:
    """Return the moment of the tick that made a job; None when none did, or when it is forgotten."""
    entries = LedgerEntry.objects.using(alias()).filter(job_id=job_id, scope__startswith=schedule_scope(""))
    # Of ticks that found the job there, the value tells so.
    key = entries.filter(value__isnull=True).values_list("key", flat=True).first()
    return None if key is None else datetime.fromisoformat(key)


def take_over(
    connection: BaseDatabaseWrapper, entry: LedgerEntry, *, job_id: UUID, fingerprint: str
) -> LedgerEntry | None:
    """Enter another job for a key whose time is over and return None; or return the entry as it stands.

    It stands when its time is not over, or another was quicker. Whether its job has ended is for the caller to know.
    """
    entries = LedgerEntry.objects.using(connection.alias).filter(pk=entry.pk)
    expired = entries.filter(job_id=entry.job_id, expires_at__lt=DatabaseNow())
    if expired.update(job_id=job_id, fingerprint=fingerprint, value=None, created_at=DatabaseNow(), expires_at=None):
        return None
    if (there := entries.select_for_update().first()) is not None:
        return there
    # A keeper has deleted it meanwhile, for its time was over.
    if connection.vendor == "mysql":
        # A plain read may still see it.
        there = _enter_or_lock(connection, entry.scope, entry.key, job_id, fingerprint)
        return None if there.job_id == job_id else there
    return reserve(connection, entry.scope, entry.key, job_id=job_id, fingerprint=fingerprint)


def is_over(connection: BaseDatabaseWrapper, entry: LedgerEntry) -> bool:
    """Return whether the time of a key that was looked up may be over, by the database's clock: take_over() knows.

    It may be when the entry is gone meanwhile, or another job's.
    """
    if entry.expires_at is None:
        return False
    rows = LedgerEntry.objects.using(connection.alias).filter(pk=entry.pk, job_id=entry.job_id)
    return not rows.exclude(expires_at__lt=DatabaseNow()).exists()


def keep_result(task_path: str, key: str, job_id: UUID, result: dict[str, Any]) -> None:
    """Keep what came of the job that was enqueued under a key, for when its row is gone."""
    entries = LedgerEntry.objects.using(alias())
    entries.filter(scope=enqueue_scope(task_path), key=key, job_id=job_id).update(value=result)


def step(job_id: UUID, name: str, *, connection: BaseDatabaseWrapper | None = None) -> LedgerEntry | None:
    """Return the entry of a step of a job, None when it has not happened; on the jobs' database, or on another."""
    entries = LedgerEntry.objects.using(connection.alias if connection else alias())
    return entries.filter(scope=step_scope(job_id), key=name).first()


def step_once_decided(connection: BaseDatabaseWrapper, job_id: UUID, name: str) -> LedgerEntry | None:
    """As step(), after a COMMIT of unknown outcome on another database: waits for one that is still under way."""
    try:
        with transaction.atomic(using=connection.alias):
            LedgerEntry.objects.using(connection.alias).create(
                scope=step_scope(job_id), key=name, job_id=job_id, created_at=DatabaseNow()
            )
            transaction.set_rollback(True, using=connection.alias)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        return step(job_id, name, connection=connection)
    return None


def take_post(connection: BaseDatabaseWrapper, fence: Fence, *, steps: int) -> bool:
    """Have the post of a job on another database be this claim's, after so many of its steps there.

    Return False when a later claim has it, or when the database knows of another number of steps: it was set back.
    """
    scope, counted = f"fence:{fence.job_id}", f"{fence.token.hex}:{steps + 1}"
    posts = LedgerEntry.objects.using(connection.alias).filter(scope=scope, key="")
    ours = posts.filter(attempt=fence.attempt, fingerprint=f"{fence.token.hex}:{steps}")
    # Two claims of one number, of which a crash undid the first, are told apart by the database that is asked next.
    free = ours if steps else posts.filter(attempt__lte=fence.attempt)
    for _ in range(2):
        if free.update(attempt=fence.attempt, fingerprint=counted):
            return True
        if steps:
            return False
        with suppress(IntegrityError), transaction.atomic(using=connection.alias):
            posts.create(
                scope=scope,
                key="",
                job_id=fence.job_id,
                attempt=fence.attempt,
                fingerprint=counted,
                value=_home(),
                created_at=DatabaseNow(),
            )
            return True
    return False


# Aliases on which the ledger was seen in this process: it does not go again.
_present: set[str] = set()


def require(connection: BaseDatabaseWrapper) -> None:
    """Raise NotMigrated when another database than the jobs' has no ledger."""
    if connection.alias in _present:
        return
    if TABLE not in connection.introspection.table_names():
        raise NotMigrated(
            f"The ledger is missing on {connection.alias!r}, where it would tell what was committed: run "
            f"`manage.py migrate jobqueue --database {connection.alias}`, and have DATABASE_ROUTERS allow it."
        )
    _present.add(connection.alias)


def forget_jobs_that_are_gone(connection: BaseDatabaseWrapper, *, after: int, limit: int) -> int | None:
    """Delete, on another database, posts of jobs that were pruned, among so many after an id, and the steps of these.

    Return the id after which to go on, None when there are no more. Only what fences of jobs from here have entered
    counts: jobs of other databases may write there, too, and it may have jobs of its own, whose steps bear no token.
    """
    entries = LedgerEntry.objects.using(connection.alias)
    posts = entries.filter(scope__startswith="fence:", pk__gt=after).order_by("pk")
    found = list(posts.values_list("pk", "job_id", "value")[:limit])
    here = _home()
    ours = {job_id for _pk, job_id, home in found if home == here}
    gone = ours.difference(Job.objects.using(alias()).filter(pk__in=ours).values_list("pk", flat=True))
    if gone:
        entered = Q(scope__startswith="fence:") | Q(scope__startswith="step:") & ~Q(fingerprint="")
        entries.filter(entered, job_id__in=gone).delete()
    return found[-1][0] if len(found) == limit else None


def _home() -> str:
    """Return by what the database of the jobs is known on another one, where several may enter something.

    Of two names for one and the same, neither clears away what the other has entered, which harms nobody.
    """
    settings = connections[alias()].settings_dict
    named = [settings.get("ENGINE"), settings.get("HOST"), settings.get("PORT"), settings.get("NAME")]
    return hashlib.sha256(json.dumps([*map(str, named)]).encode()).hexdigest()[:32]


def record_step(fence: Fence, name: str, value: str | None, *, connection: BaseDatabaseWrapper | None = None) -> None:
    """Enter a step with its value (JSON), in the transaction of its effects; raises LeaseLost if another did."""
    entries = LedgerEntry.objects.using(connection.alias if connection else alias())
    scope = step_scope(fence.job_id)
    try:
        entries.create(
            scope=scope,
            key=name,
            job_id=fence.job_id,
            attempt=fence.attempt,
            fingerprint=fence.token.hex if connection else "",
            value=None if value is None else json.loads(value),
            created_at=DatabaseNow(),
        )
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise LeaseLost(f"Another owner of job {fence.job_id} did the step {name!r} in the meantime.") from error


def entry(scope: str, key: str) -> LedgerEntry | None:
    """Return the entry under a key, None when there is none."""
    return LedgerEntry.objects.using(alias()).filter(scope=scope, key=key).first()


def put(fence: Fence, scope: str, key: str, value: Any) -> None:
    """Enter a value, in place of one that was there, in a transaction that the fence ends: the owner alone may."""
    name = alias()
    unique = None if connections[name].vendor == "mysql" else ["scope", "key"]
    LedgerEntry.objects.using(name).bulk_create(
        [
            LedgerEntry(
                scope=scope,
                key=key,
                job_id=fence.job_id,
                attempt=fence.attempt,
                value=value,
                created_at=DatabaseNow(),
            )
        ],
        update_conflicts=True,
        unique_fields=unique,
        update_fields=["attempt", "value", "created_at"],
    )


def change(found: LedgerEntry, value: Any) -> None:
    """Give an entry another value."""
    LedgerEntry.objects.using(alias()).filter(pk=found.pk).update(value=value)


def remove(scope: str, key: str) -> None:
    """Delete an entry: what it tells of did not happen."""
    LedgerEntry.objects.using(alias()).filter(scope=scope, key=key).delete()


def mark_commit(connection: BaseDatabaseWrapper, job_id: UUID) -> None:
    """Enter, in a transaction on another database than the jobs', that it enqueues a job."""
    LedgerEntry.objects.using(connection.alias).create(
        scope=COMMITTED,
        key=str(job_id),
        job_id=job_id,
        value=_home(),
        created_at=DatabaseNow(),
        expires_at=DatabaseNow() + _MARKERS_KEPT,
    )


def is_marked(connection: BaseDatabaseWrapper, job_id: UUID) -> bool:
    """Return whether a transaction that enqueued a job has committed, as far as can be seen without waiting."""
    return LedgerEntry.objects.using(connection.alias).filter(scope=COMMITTED, key=str(job_id)).exists()


def forget_markers(connection: BaseDatabaseWrapper, jobs: BaseDatabaseWrapper, *, limit: int) -> int:
    """Delete up to ``limit`` markers that are old and for which no job waits any more; return how many went."""
    old = LedgerEntry.objects.using(connection.alias).filter(scope=COMMITTED, expires_at__lt=DatabaseNow())
    found = dict(old.filter(value=_home()).order_by("expires_at").values_list("pk", "job_id")[:limit])
    waiting = LedgerEntry.objects.using(jobs.alias).filter(scope=_WAITS, key__in=map(str, found.values()))
    wanted = set(waiting.values_list("job_id", flat=True))
    ids = [pk for pk, job_id in found.items() if job_id not in wanted]
    return LedgerEntry.objects.using(connection.alias).filter(pk__in=ids).delete()[0] if ids else 0


def wait_for_commit(connection: BaseDatabaseWrapper, job_id: UUID, *, database: str) -> None:
    """Enter, in the transaction that inserts a job, the alias on which its caller's transaction is open."""
    LedgerEntry.objects.using(connection.alias).create(
        scope=_WAITS, key=str(job_id), job_id=job_id, value=database, created_at=DatabaseNow()
    )


def waited_for_commit(connection: BaseDatabaseWrapper, job_id: UUID) -> None:
    """Forget that a job waits, in the transaction that lets it go on or deletes it."""
    LedgerEntry.objects.using(connection.alias).filter(scope=_WAITS, key=str(job_id)).delete()


def waiting_for_commit(connection: BaseDatabaseWrapper, *, older_than: timedelta, limit: int) -> list[tuple[UUID, str]]:
    """Return jobs that have waited for longer than that, and for which alias; the oldest first."""
    entries = LedgerEntry.objects.using(connection.alias).filter(scope=_WAITS)
    old = entries.filter(created_at__lt=DatabaseNow() - older_than).order_by("id")
    return [(job_id, str(value)) for job_id, value in old.values_list("job_id", "value")[:limit]]


def enter_once(scope: str, key: str, *, job_id: UUID, ttl: float) -> bool:
    """Enter (scope, key) for so many seconds, in the caller's transaction; return False if it was there already."""
    entry = LedgerEntry(
        scope=scope, key=key, job_id=job_id, created_at=DatabaseNow(), expires_at=DatabaseNow() + timedelta(seconds=ttl)
    )
    try:
        with transaction.atomic(using=alias()):
            entry.save(using=alias(), force_insert=True)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        return False
    return True


def is_duplicate(error: IntegrityError) -> bool:
    """Return whether an entry could not be made because it was there."""
    return error_code(error) in ("23505", 1062) or "UNIQUE constraint failed" in str(error)


def remembered(job_id: UUID) -> dict[str, Any] | None:
    """Return what is kept of a job that was pruned, None when nothing is."""
    return remembered_of([job_id]).get(job_id)


def remembered_of(job_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Return what is kept of jobs that were pruned, by their ids."""
    if not job_ids:
        return {}
    entries = LedgerEntry.objects.using(alias()).filter(
        job_id__in=job_ids, scope__startswith="enqueue:", value__isnull=False
    )
    return {entry.job_id: cast(dict[str, Any], entry.value) for entry in entries}
