"""Sessions in which the database itself refuses to write: the body of ``effects="steps"`` runs in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from .connections import abandon

_REFUSE = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}
_ALLOW = {
    # As the server has it: an administrator may have made all of it read-only.
    "postgresql": "RESET default_transaction_read_only",
    "mysql": "SET SESSION TRANSACTION READ WRITE",
    "sqlite": "PRAGMA query_only = OFF",
}


KNOWN = frozenset(_REFUSE)

# Sessions that read_only() has refuse every write, and those in which a step may write just now.
_reading: set[BaseDatabaseWrapper] = set()
_writing: set[BaseDatabaseWrapper] = set()


def is_reading(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a body runs in a session that refuses to write."""
    return connection in _reading


def is_writing(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a step may write in a session just now."""
    return connection in _writing


def forbid(connection: Any) -> None:
    """Have a session refuse every write from its next transaction on."""
    if connection.vendor == "sqlite":
        # BEGIN IMMEDIATE counts as a write, and a body may read in a transaction of its own.
        connection.transaction_mode = None
    _tell(connection, _REFUSE[connection.vendor])


def permit(connection: Any) -> None:
    """Let a session write, from its next transaction on."""
    if connection.vendor == "sqlite":
        connection.get_connection_params()  # Sets transaction_mode as configured.
    _tell(connection, _ALLOW[connection.vendor])


def _tell(connection: BaseDatabaseWrapper, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def read_only(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have the database refuse every write of this connection, also after it was opened anew."""

    def again(connection: BaseDatabaseWrapper, **_: Any) -> None:
        # The outcome of a step's COMMIT is asked for, on a new connection, by a statement that locks.
        if connection is guarded and connection not in _writing:
            _or_close(forbid, connection)

    guarded = connection
    try:
        forbid(connection)
    except (InterfaceError, OperationalError):
        # The server has hung up since the last job: the body has not begun, so it need not fail of that.
        abandon(connection)
        forbid(connection)
    connection_created.connect(again)
    _reading.add(connection)
    try:
        yield
    finally:
        _reading.discard(connection)
        connection_created.disconnect(again)
        if connection.connection is not None:
            # A session that may still refuse writes must not serve another job.
            with suppress(Exception):
                _or_close(permit, connection)


@contextmanager
def writable(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let the next transaction of a read-only session write, also if it has to be opened anew."""
    if connection in _writing:
        yield
        return
    try:
        _writing.add(connection)
        permit(connection)
        yield
    finally:
        _writing.discard(connection)
        if connection.connection is not None:
            # Once closed, it is opened anew, and read-only again, by the body's next statement.
            with suppress(Exception):
                _or_close(forbid, connection)


def _or_close(change: Callable[[BaseDatabaseWrapper], None], connection: BaseDatabaseWrapper) -> None:
    try:
        change(connection)
    except Exception:
        connection.close()
        raise
