"""A transaction that begins with the body's first statement, and is known not to have begun when there was none.

A body that asks the database nothing then costs it nothing; and on SQLite, a body that first waits and then writes does
not keep others from writing all the while. Until the first cursor is asked for, the connection is made to look as if
it were in a transaction: what Django decides by its own flags (savepoints, on_commit) is decided as it will be.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from django.db import transaction

from ...points import reached


class Lazy:
    """What transaction.atomic() is, but later."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._atomic: Any = transaction.atomic(using=connection.alias)
        self._begun = False

    def __enter__(self) -> Lazy:
        connection = self._connection
        connection.ensure_connection()
        connection.commit_on_exit, connection.needs_rollback = True, False
        self._look_begun()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._connection
        # What the body opened inside and never closed must not pass for the transaction that ends here.
        connection.savepoint_ids, connection.atomic_blocks = [], [self._atomic]
        if self._begun:
            self._atomic.__exit__(kind, error, trace)
            return
        self._look_idle()
        connection.run_on_commit, connection.needs_rollback = [], False
        if connection.closed_in_transaction:
            connection.connection = None

    def begun(self) -> bool:
        """Return whether the database was asked anything."""
        return self._begun

    def begin(self) -> None:
        """Begin now."""
        if self._begun:
            return
        connection = self._connection
        reached("run.before-begin")
        self._look_idle()
        # Guards watch what the body says; this is what we say.
        wrappers, connection.execute_wrappers = connection.execute_wrappers, []
        try:
            self._atomic.__enter__()
        except BaseException:
            # A body that swallows this and goes on must not write outside of any transaction.
            self._look_begun()
            raise
        finally:
            connection.execute_wrappers = wrappers
        # It is the outermost, whatever the body has opened before its first statement.
        connection.atomic_blocks.insert(0, connection.atomic_blocks.pop())
        self._begun = True

    def _begin_then_create_cursor(self, name: str | None = None) -> Any:
        self.begin()
        return self._connection.create_cursor(name)

    def _look_begun(self) -> None:
        connection = self._connection
        connection.in_atomic_block, connection.autocommit = True, False
        connection.atomic_blocks.insert(0, self._atomic)
        connection.create_cursor = self._begin_then_create_cursor

    def _look_idle(self) -> None:
        connection = self._connection
        del connection.create_cursor
        connection.atomic_blocks.remove(self._atomic)
        connection.in_atomic_block, connection.autocommit = False, True
