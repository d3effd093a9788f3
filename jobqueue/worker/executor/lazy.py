"""A transaction that begins with the body's first statement, and is known not to have begun when there was none.

A body that asks the database nothing then costs it nothing; and on SQLite, a body that first waits and then writes does
not keep others from writing all the while. Until the first cursor is asked for, the connection is made to look as if
it were in a transaction: what Django decides by its own flags (savepoints, on_commit) is decided as it will be.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from django.db import transaction


class Lazy:
    """What transaction.atomic() is, but later."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._atomic: Any = None

    def __enter__(self) -> Lazy:
        connection = self._connection
        connection.ensure_connection()
        connection.commit_on_exit, connection.needs_rollback = True, False
        connection.in_atomic_block, connection.autocommit = True, False
        connection.create_cursor = self._begin_then_create_cursor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._atomic is not None:
            self._atomic.__exit__(kind, error, trace)
            return
        connection = self._connection
        self._look_idle()
        connection.run_on_commit, connection.needs_rollback = [], False
        if connection.closed_in_transaction:
            connection.connection = None

    def begun(self) -> bool:
        """Return whether the database was asked anything."""
        return self._atomic is not None

    def begin(self) -> None:
        """Begin now."""
        if self._atomic is None:
            self._look_idle()
            self._atomic = transaction.atomic(using=self._connection.alias)
            # Guards watch what the body says; this is what we say.
            wrappers, self._connection.execute_wrappers = self._connection.execute_wrappers, []
            try:
                self._atomic.__enter__()
            finally:
                self._connection.execute_wrappers = wrappers

    def _begin_then_create_cursor(self, name: str | None = None) -> Any:
        self.begin()
        return self._connection.create_cursor(name)

    def _look_idle(self) -> None:
        del self._connection.create_cursor
        self._connection.in_atomic_block, self._connection.autocommit = False, True
