"""Database sessions of a worker that may freeze or die: how who goes on with its jobs gets at the rows it has locked.

A process that freezes between the fence and its COMMIT keeps the row of its job locked until it thaws or its connection
breaks, and nobody else may have the job meanwhile. One that freezes in a body keeps locked what the body has written,
for which the next attempt waits. And a server that is busy with a statement of a dead process does not see its death.

So every session of a worker has a name by which others find it, and end it once its process is dead or judged to be:
on PostgreSQL in ``application_name``, on MariaDB and MySQL by a named lock that it holds. Where the server can end a
transaction by itself, it is told to: PostgreSQL those that wait for their COMMIT, PostgreSQL and MariaDB those of
processes that run no user code.

Ending a session is safe whatever it was doing: the server commits or undoes the transaction as a whole.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from .database import alias

COMMIT_SECONDS = 5
LOCK_SECONDS = 1
_MYSQL_LOCK_WAITS = f"innodb_lock_wait_timeout = {LOCK_SECONDS}, lock_wait_timeout = {LOCK_SECONDS}"
_MARK_LENGTH = 41
_MARK, _HURRY = "jobqueue.mark", "jobqueue.hurry"
_here = threading.local()


def mark(worker_id: str, pid: int) -> None:
    """Give every session that this process opens from now on a name, by which `end()` finds it."""
    here = os.getpid()
    # A fork of this process has a life of its own.
    _on_connect(_MARK, lambda it: _name(it, worker_id, pid) if os.getpid() == here else None)


def sit(number: int) -> None:
    """Note which of the threads of this process that run jobs this is, from 0: each has sessions of its own."""
    _here.seat = number


def hurry() -> None:
    """Have the database end what idles for long in a transaction of this process, or waits for long for a lock.

    For processes without user code: whoever has one row locked must not keep them from all that is not.
    """
    _on_connect(_HURRY, _limit)


def forget() -> None:
    """Have sessions that this process opens from now on go without names and limits: its worker has stopped."""
    for uid in (_MARK, _HURRY):
        connection_created.disconnect(dispatch_uid=uid)


def commit_soon(connection: BaseDatabaseWrapper) -> None:
    """Have PostgreSQL end the transaction that has begun, should it idle for long."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{COMMIT_SECONDS}s'")


def end(connection: BaseDatabaseWrapper, worker_id: str, pids: Iterable[int], *, seats: int = 1) -> None:
    """End the sessions that processes of a worker have marked and that may hold locks, if the server lets us.

    ``seats`` is in how many threads each of them may have run jobs.
    """
    names = [_mark(connection, worker_id, pid) for pid in pids]
    with suppress(DatabaseError), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Only a transaction that has a number holds rows. A user may always end sessions of its own.
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                f"AND backend_xid IS NOT NULL AND right(application_name, {_MARK_LENGTH}) = ANY(%s)",
                [names],
            )
        elif connection.vendor == "mysql":
            for name in names:
                _kill(cursor, [_mark_of_seat(name, seat) for seat in range(seats)])


def _kill(cursor: Any, names: list[str]) -> None:
    cursor.execute(f"SELECT {', '.join(['IS_USED_LOCK(%s)'] * len(names))}", names)
    for session in cursor.fetchone():
        if session is not None and _may_hold_rows(cursor, session):
            # It may have gone in the meantime. A user may always end sessions of its own.
            with suppress(DatabaseError):
                cursor.execute("KILL %s", [session])


def _mark_of_seat(mark: str, seat: int) -> str:
    """Return the name of the lock that a thread holds: one session can have it at a time."""
    return f"{mark}:{seat}" if seat else mark


def _may_hold_rows(cursor: Any, session: int) -> bool:
    try:
        cursor.execute("SELECT 1 FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %s", [session])
    except DatabaseError:
        return True  # Only those who may see everybody's processes are told.
    return cursor.fetchone() is not None


def _on_connect(uid: str, act: Callable[[BaseDatabaseWrapper], None]) -> None:
    def opened(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if connection.alias == alias():
            # A proxy may know no such thing. Nothing that is promised hangs on it, but how soon a frozen job is free.
            with suppress(DatabaseError):
                act(connection)

    connection_created.connect(opened, weak=False, dispatch_uid=uid)
    here = connections[alias()]
    if here.connection is not None:
        opened(here)


def _mark(connection: BaseDatabaseWrapper, worker_id: str, pid: int) -> str:
    """Return the mark of a process: marks are the whole server's, and names have 63 characters at most."""
    text = f"{connection.settings_dict['NAME']} {worker_id} {pid}"
    return f"jobqueue:{hashlib.sha256(text.encode()).hexdigest()}"[:_MARK_LENGTH]


def _name(connection: BaseDatabaseWrapper, worker_id: str, pid: int) -> None:
    mark = _mark(connection, worker_id, pid)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Behind the name that the project has given it, so that who looks for that still finds it.
            name = f"left(current_setting('application_name'), {62 - _MARK_LENGTH})"
            cursor.execute(f"SELECT set_config('application_name', ltrim({name} || ' ' || %s), false)", [mark])
        elif connection.vendor == "mysql":
            cursor.execute("SELECT GET_LOCK(%s, 0)", [_mark_of_seat(mark, getattr(_here, "seat", 0))])


def _limit(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor == "postgresql":
        statement = (
            f"SET idle_in_transaction_session_timeout = '{COMMIT_SECONDS}s'; SET lock_timeout = '{LOCK_SECONDS}s'"
        )
    elif getattr(connection, "mysql_is_mariadb", False):
        statement = f"SET SESSION idle_transaction_timeout = {COMMIT_SECONDS}, {_MYSQL_LOCK_WAITS}"
    elif connection.vendor == "mysql":
        statement = f"SET SESSION {_MYSQL_LOCK_WAITS}"
    else:
        return
    with connection.cursor() as cursor:
        cursor.execute(statement)
