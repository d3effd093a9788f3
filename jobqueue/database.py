"""What differs between PostgreSQL, MariaDB/MySQL and SQLite: the clock, UUIDs, locks, moments; and new job ids."""

from __future__ import annotations

import os
import struct
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db import connections, router, transaction
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
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra)


_NOW = {
    "postgresql": "STATEMENT_TIMESTAMP()",
    "mysql": "UTC_TIMESTAMP(6)",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')",
}


def now_sql(connection: BaseDatabaseWrapper) -> str:
    """Return the SQL of DatabaseNow, for a statement with parameters."""
    return _NOW[connection.vendor]


_SECONDS_SINCE = {
    "postgresql": "EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP() - {})",
    "mysql": "TIMESTAMPDIFF(MICROSECOND, {}, UTC_TIMESTAMP(6)) / 1000000",
    "sqlite": "(JULIANDAY('NOW') - JULIANDAY({})) * 86400",
}


def seconds_since_sql(connection: BaseDatabaseWrapper, column: str) -> str:
    """Return the SQL for how many seconds a moment is ago by the database's clock."""
    return _SECONDS_SINCE[connection.vendor].format(column)


def alias() -> str:
    """Return the database alias that holds the jobs."""
    # The router is asked each time: tests and tenants change it. The model is named, not imported: models import us.
    from django.apps import apps

    return router.db_for_write(apps.get_model("jobqueue", "Job"))


def connection() -> BaseDatabaseWrapper:
    """Return this thread's connection to the database that holds the jobs."""
    return connections[alias()]


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


def take_write_lock(connection: BaseDatabaseWrapper) -> None:
    """On SQLite, wait for whoever writes, so that what this transaction reads next is true until it ends.

    Other databases lock rows, as they are read. A deferred transaction of SQLite that reads first and writes later
    fails at once when somebody else has written in between.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("UPDATE jobqueue_job SET id = id WHERE 0")


def lock_only_what_matches(connection: BaseDatabaseWrapper) -> None:
    """Have the next transaction lock no gaps: under REPEATABLE READ, MariaDB's and MySQL's default, others would wait.

    Django asks for READ COMMITTED by itself; this is for those who told it otherwise.
    """
    if connection.vendor == "mysql" and not connection.in_atomic_block:
        connection.ensure_connection()
        if getattr(connection, "isolation_level", None) != "read committed":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")


@contextmanager
def by_primary_key(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have the ORM's updates of jobs find their row by its id alone, on MariaDB and MySQL.

    These lock what they look at. By another index they would lock the same row in another order, and so deadlock with
    others, or wait for rows that they do not change.
    """
    if connection.vendor != "mysql":
        yield
        return

    def hint(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        hinted = sql.replace("UPDATE `jobqueue_job` SET", "UPDATE `jobqueue_job` FORCE INDEX (PRIMARY) SET", 1)
        return execute(hinted, params, many, context)

    with connection.execute_wrapper(hint):
        yield


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
