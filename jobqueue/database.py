"""What differs between PostgreSQL, MariaDB/MySQL and SQLite: the clock, UUIDs, locks, moments; and new job ids."""

from __future__ import annotations

import os
import struct
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db import DatabaseError, OperationalError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Now
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone
from django.utils.dateparse import parse_datetime


class DatabaseNow(Now):
    """The database's own clock, in UTC, at the start of the statement.

    Django's Now() is the session's time zone on MySQL and MariaDB, which is wrong on a server that is not set to UTC.
    """

    def as_mysql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        """Return the SQL for MySQL and MariaDB."""
        return self.as_sql(compiler, connection, template=_NOW["mysql"], **extra)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        """Return the SQL for SQLite."""
        return self.as_sql(compiler, connection, template=_NOW["sqlite"].replace("%", "%%"), **extra)


_NOW = {
    "postgresql": "STATEMENT_TIMESTAMP()",
    "mysql": "UTC_TIMESTAMP(6)",
    # Moments are texts to SQLite, and Django writes what it reckons with six digits: with three, now is before now.
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', 'NOW')",
}


def now_sql(connection: BaseDatabaseWrapper) -> str:
    """Return the SQL of DatabaseNow, for a statement with parameters."""
    return _NOW[connection.vendor]


_SECONDS_SINCE = {
    # Taken apart first: moments without end cannot be subtracted.
    "postgresql": "(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) - EXTRACT(EPOCH FROM {}))",
    "mysql": "TIMESTAMPDIFF(MICROSECOND, {}, UTC_TIMESTAMP(6)) / 1000000",
    "sqlite": "(JULIANDAY('NOW') - JULIANDAY({})) * 86400",
}


def seconds_since_sql(connection: BaseDatabaseWrapper, column: str) -> str:
    """Return the SQL for how many seconds a moment is ago by the database's clock."""
    return _SECONDS_SINCE[connection.vendor].format(column)


def readable_sql(connection: BaseDatabaseWrapper, moment: str) -> str:
    """Return the SQL for a moment that Python can hold: PostgreSQL knows more of them, and infinite ones.

    The driver raises when it meets such a one, and so whoever reads a row in which somebody has written it.
    """
    if connection.vendor != "postgresql":
        return moment
    # A day off the ends of time, where some time zones would be beyond them.
    return (
        f"CASE WHEN {moment} < '0001-01-02 00:00Z' THEN '0001-01-02 00:00Z' "
        f"WHEN {moment} > '9999-12-30 00:00Z' THEN '9999-12-30 00:00Z' ELSE {moment} END"
    )


_chosen: str | None = None


def choose(name: str | None) -> None:
    """Have this process find the jobs on that alias, whatever the routers say; None leaves it to them again."""
    global _chosen
    _chosen = name


def chosen() -> str | None:
    """Return the alias that choose() was told; None when the routers are asked."""
    return _chosen


def names() -> dict[str, Any]:
    """Return the database that each alias means in this process: in that of a test runner, others than settings say."""
    return {name: connections.settings[name]["NAME"] for name in connections}


def use(databases: Mapping[str, Any]) -> None:
    """Have each alias mean in this process what names() said in another."""
    for name, database in databases.items():
        connections.settings[name]["NAME"] = database


def alias() -> str:
    """Return the database alias that holds the jobs: the one that was chosen, or where routers have them written."""
    if _chosen is not None:
        return _chosen
    # The router is asked each time: tests and tenants change it. The model is named, not imported: models import us.
    from django.apps import apps

    return router.db_for_write(apps.get_model("jobqueue", "Job"))


def connection() -> BaseDatabaseWrapper:
    """Return this thread's connection to the database that holds the jobs."""
    return connections[alias()]


def marks(values: Sized) -> str:
    """Return the placeholders of so many parameters, for what comes between the brackets of IN."""
    return ", ".join(["%s"] * len(values))


def uuid_param(connection: BaseDatabaseWrapper, value: uuid.UUID) -> Any:
    """Return a UUID as a parameter of a raw statement."""
    return (
        value
        if connection.vendor == "postgresql"
        else (str(value) if connection.features.has_native_uuid_field else value.hex)
    )


def uuid_value(value: Any) -> uuid.UUID:
    """Return a UUID as it came out of a raw statement."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def moment(connection: BaseDatabaseWrapper, value: Any) -> datetime | None:
    """Return a timestamp of a raw statement as the ORM would.

    It comes as text from SQLite, naive from MariaDB, and as seconds since 1970 from a statement that asked for them.
    """
    if isinstance(value, float):
        value = datetime.fromtimestamp(value, UTC)
        if connection.timezone is None:
            return timezone.make_naive(value, ZoneInfo(connection.timezone_name))
    if isinstance(value, str):
        value = parse_datetime(value)
    if value is not None and timezone.is_naive(value) and connection.timezone is not None:
        value = timezone.make_aware(value, connection.timezone)
    return cast(datetime | None, value)


def clock(connection: BaseDatabaseWrapper) -> datetime:
    """Return what time it is by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {now_sql(connection).replace('%%', '%')}")
        now = moment(connection, cursor.fetchone()[0])
    assert now is not None
    return now


def take_write_lock(connection: BaseDatabaseWrapper) -> None:
    """On SQLite, wait for whoever writes, so that what this transaction reads next is true until it ends.

    Other databases lock rows, as they are read. A deferred transaction of SQLite that reads first and writes later
    fails at once when somebody else has written in between.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobqueue_job SET id = id WHERE 0")


def reads_are_fresh(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a plain read of MariaDB or MySQL tells what is committed now, not when the transaction began."""
    return getattr(connection, "isolation_level", None) == "read committed"


def lock_only_what_matches(connection: BaseDatabaseWrapper) -> None:
    """Have the next transaction lock no gaps: under REPEATABLE READ, MariaDB's and MySQL's default, others would wait.

    Django asks for READ COMMITTED by itself; this is for those who told it otherwise.
    """
    if connection.vendor == "mysql" and not connection.in_atomic_block:
        connection.ensure_connection()
        if not reads_are_fresh(connection):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


def by_index(connection: BaseDatabaseWrapper, name: str = "PRIMARY") -> str:
    """Return what comes after a table's name to have MariaDB and MySQL look by that index alone; else nothing.

    They lock all that they look at: by another index they would wait for rows that they do not want.
    """
    return f" FORCE INDEX ({name})" if connection.vendor == "mysql" else ""


@contextmanager
def by_primary_key(connection: BaseDatabaseWrapper, table: str = "jobqueue_job") -> Iterator[None]:
    """Have the ORM's updates of jobs, or of another table, find their row by its id alone, on MariaDB and MySQL.

    These lock what they look at. By another index they would lock the same row in another order, and so deadlock with
    others, or wait for rows that they do not change.
    """
    if connection.vendor != "mysql":
        yield
        return

    def hint(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        hinted = sql.replace(f"UPDATE `{table}` SET", f"UPDATE `{table}` FORCE INDEX (PRIMARY) SET", 1)
        return execute(hinted, params, many, context)

    with connection.execute_wrapper(hint):
        yield


def give_up_after(connection: BaseDatabaseWrapper, seconds: float) -> None:
    """Have the server give up each statement of this session that takes so long; SQLite, waiting for who writes."""
    milliseconds = max(1, round(seconds * 1000))
    if connection.vendor == "postgresql":
        statement = f"SET statement_timeout = {milliseconds}"
    elif connection.vendor == "sqlite":
        statement = f"PRAGMA busy_timeout = {milliseconds}"
    elif getattr(connection, "mysql_is_mariadb", False):
        statement = f"SET SESSION max_statement_time = {milliseconds / 1000}, innodb_lock_wait_timeout = 1"
    else:
        statement = f"SET SESSION max_execution_time = {milliseconds}, innodb_lock_wait_timeout = 1"
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def wait_for_writers(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Have a session of SQLite wait for so long at most for who writes; others have sessions.hurry() for that."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (usual,) = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
    try:
        yield
    finally:
        if connection.connection is not None:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {usual}")


def is_locked(connection: BaseDatabaseWrapper, seconds: float) -> bool:
    """Return whether somebody keeps all others from writing for so long; never so but on SQLite, where one can."""
    if connection.vendor != "sqlite":
        return False
    try:
        with wait_for_writers(connection, seconds), transaction.atomic(using=connection.alias):
            take_write_lock(connection)
    except OperationalError as error:
        if not is_lock_of_sqlite(connection, error):
            raise
        return True
    return False


def is_lock_of_sqlite(connection: BaseDatabaseWrapper, error: DatabaseError) -> bool:
    """Return whether a statement gave up waiting for who writes to SQLite."""
    return connection.vendor == "sqlite" and "locked" in str(error)


def error_code(error: BaseException) -> Any:
    """Return what the driver names an error by: PostgreSQL's SQLSTATE, the number of MariaDB and MySQL, else a text."""
    cause: Any = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if state is not None:
        return state
    return cause.args[0] if cause is not None and cause.args else None


def lock_timed_out(error: DatabaseError) -> bool:
    """Return whether a statement gave up waiting for what somebody has locked; not on SQLite, which has one lock."""
    return error_code(error) in ("55P03", 1205)


def gave_way(connection: BaseDatabaseWrapper, error: DatabaseError) -> bool:
    """Return whether a statement was only in the way of others, who have locked what it wants, or want what it has."""
    return lock_timed_out(error) or is_lock_of_sqlite(connection, error) or error_code(error) in ("40P01", 1213)


def is_full(connection: BaseDatabaseWrapper, error: DatabaseError) -> bool:
    """Return whether a statement found no room on the disk of the server, or in SQLite's file."""
    code = error_code(error)
    return code in ("53100", 1021, 1114) or (connection.vendor == "sqlite" and "is full" in str(code))


@contextmanager
def impatient(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Open a transaction that waits for a locked row for a second at most, and raises OperationalError then.

    SQLite waits for as long as it is configured to.
    """
    with _short_wait_of_session(connection), transaction.atomic(using=connection.alias):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1s'")
        yield


@contextmanager
def _short_wait_of_session(connection: BaseDatabaseWrapper) -> Iterator[None]:
    if connection.vendor != "mysql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET @jobqueue_wait = @@innodb_lock_wait_timeout, SESSION innodb_lock_wait_timeout = 1")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION innodb_lock_wait_timeout = @jobqueue_wait")


@contextmanager
def impatient_once(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """On PostgreSQL, have the statements of a block wait for others for 0.1 s at most, and raise OperationalError then.

    That is sooner than a deadlock is looked for, so whoever waits crosswise goes on. It takes a transaction that is
    undone then.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), set_config('lock_timeout', '100ms', true)")
        usual = cursor.fetchone()[0]
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [usual])


class _Ids:
    """Mints version 7 UUIDs that rise within a process, so that jobs enqueued together keep their order."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.last = 0

    def mint(self, count: int) -> list[int]:
        with self.lock:
            # 48 bits of milliseconds and 12 of their fraction; those of the same quarter microsecond count on.
            first = max((time.time_ns() << 12) // 1_000_000, self.last + 1)
            self.last = first + count - 1
        random = struct.iter_unpack(">Q", os.urandom(8 * count))
        return [
            (stamp >> 12) << 80 | (0x7000 | stamp & 0xFFF) << 64 | 0b10 << 62 | bits >> 2
            for stamp, (bits,) in zip(range(first, first + count), random, strict=True)
        ]


_ids = _Ids()


def new_id() -> uuid.UUID:
    """Return a fresh job id, greater than every one that this process made before."""
    return uuid.UUID(int=_ids.mint(1)[0])


def new_ids(count: int) -> list[str]:
    """Return fresh job ids as new_id() makes them, as texts: of many, UUID objects would cost more than their rows."""
    digits = [f"{number:032x}" for number in _ids.mint(count)]
    return [f"{d[:8]}-{d[8:12]}-{d[12:16]}-{d[16:20]}-{d[20:]}" for d in digits]
