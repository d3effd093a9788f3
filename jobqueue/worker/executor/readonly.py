"""Sessions in which the database itself refuses to write: the body of ``effects="steps"`` runs in one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_REFUSE = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}
_ALLOW = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "mysql": "SET SESSION TRANSACTION READ WRITE",
    "sqlite": "PRAGMA query_only = OFF",
}


def _tell(connection: BaseDatabaseWrapper, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def read_only(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have the database refuse every write of this connection, also after it was opened anew."""

    def again(connection: BaseDatabaseWrapper, **_: Any) -> None:
        if connection is guarded:
            _tell(connection, _REFUSE[connection.vendor])

    guarded = connection
    _tell(connection, _REFUSE[connection.vendor])
    connection_created.connect(again)
    try:
        yield
    finally:
        connection_created.disconnect(again)
        if connection.connection is not None:
            _allow_or_close(connection)


def _allow_or_close(connection: BaseDatabaseWrapper) -> None:
    try:
        _tell(connection, _ALLOW[connection.vendor])
    except Exception:
        # A session that may still refuse writes must not serve another job.
        connection.close()


@contextmanager
def writable(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let the next transaction of a read-only session write."""
    _tell(connection, _ALLOW[connection.vendor])
    try:
        yield
    finally:
        if connection.connection is not None:
            _refuse_or_close(connection)


def _refuse_or_close(connection: BaseDatabaseWrapper) -> None:
    try:
        _tell(connection, _REFUSE[connection.vendor])
    except Exception:
        # It is opened anew, and read-only again, by the body's next statement.
        connection.close()
