"""A transaction that begins with the body's first statement, and is known not to have begun when there was none.

psycopg is like that by itself. SQLite would take its write lock, and MariaDB cost three round trips, for a body that
never asks the database anything; and a body that first waits and then writes would keep others from writing all the
while. So for these two the beginning is put off until the first cursor is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

# What Django calls to begin, and to end, a transaction; replaced on the connection until it has begun.
_POSTPONED = ("_set_autocommit", "_start_transaction_under_autocommit", "_commit", "_rollback")


class Lazy:
    """Whether the transaction of a body has begun."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._postponed = connection.vendor != "postgresql"
        if self._postponed:
            for name in _POSTPONED:
                setattr(connection, name, lambda *_, **__: None)
            self._connection.create_cursor = self._begin_then_create_cursor

    def begun(self) -> bool:
        """Return whether the database was asked anything."""
        if self._connection.vendor == "postgresql":
            raw = self._connection.connection
            return raw is None or bool(raw.info.transaction_status)  # 0 is idle, in psycopg 2 and 3.
        return not self._postponed

    def restore(self) -> None:
        """Give the connection its own methods back."""
        if self._postponed:
            self._postponed = False
            for name in (*_POSTPONED, "create_cursor"):
                delattr(self._connection, name)

    def _begin_then_create_cursor(self, name: str | None = None) -> Any:
        self.restore()
        # Guards watch what the body says; this is what we say.
        wrappers, self._connection.execute_wrappers = self._connection.execute_wrappers, []
        try:
            self._begin()
        finally:
            self._connection.execute_wrappers = wrappers
        return self._connection.create_cursor(name)

    def _begin(self) -> None:
        # As Django's own set_autocommit() asks: only SQLite's wrapper has it.
        if hasattr(self._connection, "_start_transaction_under_autocommit"):
            self._connection._start_transaction_under_autocommit()
        else:
            self._connection._set_autocommit(False)


@contextmanager
def atomic(connection: BaseDatabaseWrapper) -> Iterator[Lazy]:
    """Open a transaction as transaction.atomic() does, that begins when it is first used."""
    connection.ensure_connection()
    lazy = Lazy(connection)
    try:
        with transaction.atomic(using=connection.alias):
            yield lazy
    finally:
        lazy.restore()
