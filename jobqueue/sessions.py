"""Database sessions of a worker that may freeze: how those who rescue its jobs get at the rows it keeps locked.

A process that freezes between the fence and its COMMIT keeps the row of its job locked until it thaws or its connection
breaks, and nobody else may have the job meanwhile. PostgreSQL ends such a transaction by itself, and MariaDB can in a
session that runs no user code. For the sessions of executors, MariaDB and MySQL need help: each takes a named lock as
it is opened, which tells the others the number of the session, so that they can end it once its worker is dead.

Ending a session is safe whatever it was doing: the server commits or undoes the transaction as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from .database import alias

COMMIT_SECONDS = 5


def mark(worker_id: str, pid: int) -> None:
    """Give every session that this process opens from now on a name, by which `end()` finds it."""
    _on_connect("jobqueue.mark", lambda connection: _name(connection, worker_id, pid))


def hurry() -> None:
    """Have the database end every transaction of this process that idles for long: for processes without user code."""
    _on_connect("jobqueue.hurry", _limit)


def commit_soon(connection: BaseDatabaseWrapper) -> None:
    """Have PostgreSQL end the transaction that has begun, should it idle for long."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{COMMIT_SECONDS}s'")


def end(connection: BaseDatabaseWrapper, worker_id: str, pids: Iterable[int]) -> int:
    """End the sessions that processes of a worker have marked, on MariaDB and MySQL; return how many there were."""
    if connection.vendor != "mysql":
        return 0
    ended = 0
    with connection.cursor() as cursor:
        for pid in pids:
            cursor.execute("SELECT IS_USED_LOCK(%s)", [_lock(connection, worker_id, pid)])
            (session,) = cursor.fetchone()
            if session is not None:
                # It may have gone in the meantime. A user may always end sessions of its own.
                with suppress(DatabaseError):
                    cursor.execute("KILL %s", [session])
                    ended += 1
    return ended


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


def _lock(connection: BaseDatabaseWrapper, worker_id: str, pid: int) -> str:
    """Return the name of a lock: names are the whole server's, and of 64 characters at most."""
    text = f"{connection.settings_dict['NAME']} {worker_id} {pid}"
    return f"jobqueue:{hashlib.sha256(text.encode()).hexdigest()[:48]}"


def _name(connection: BaseDatabaseWrapper, worker_id: str, pid: int) -> None:
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, 0)", [_lock(connection, worker_id, pid)])


def _limit(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor == "postgresql":
        statement = f"SET idle_in_transaction_session_timeout = '{COMMIT_SECONDS}s'"
    elif getattr(connection, "mysql_is_mariadb", False):
        statement = f"SET SESSION idle_write_transaction_timeout = {COMMIT_SECONDS}"
    else:
        return
    with connection.cursor() as cursor:
        cursor.execute(statement)
