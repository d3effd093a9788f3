"""Other databases than the one with the jobs: their sessions refuse to write, unless the job's task says that it may.

What a body writes there is in another transaction than its fence, and could happen twice. A database that refuses turns
this from a surprise into an error that says what to do. Sessions stay as they are between jobs that want the same of
them, so nothing is asked of any database for this but when it is connected to, and when a job wants something else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from ...errors import UnfencedWrite
from .forks import share_out
from .guard import is_refusal_to_write
from .readonly import KNOWN, forbid, is_writing, permit


class Others:
    """The connections of this thread to every database but one. Where there is no other, nothing is ever done."""

    def __init__(self, own: BaseDatabaseWrapper) -> None:
        others = (connections[name] for name in connections.settings if name != own.alias)
        self._connections: dict[str, Any] = {each.alias: each for each in others if each.vendor in KNOWN}
        self._writable: frozenset[str] = frozenset()
        self._as_is: dict[str, bool] = {}
        if self._connections:
            connection_created.connect(self._opened)
        for each in self._connections.values():
            share_out(each)
            if _explain not in each.execute_wrappers:
                each.execute_wrappers.append(_explain)

    def let_write(self, aliases: Collection[str]) -> None:
        """Let the next body write to these databases, and to no others."""
        self._writable = frozenset(self._connections.keys() & aliases)
        for name, connection in self._connections.items():
            if connection.connection is not None and self._as_is.get(name) != (name in self._writable):
                self._set(connection)

    def all(self) -> Collection[str]:
        """Return the aliases of them all."""
        return self._connections.keys()

    def _opened(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        # Threads that a body starts have connections of their own.
        if self._connections.get(connection.alias) is connection and not is_writing(connection):
            self._set(connection)

    def _set(self, connection: BaseDatabaseWrapper) -> None:
        may = connection.alias in self._writable
        self._as_is.pop(connection.alias, None)
        try:
            (permit if may else forbid)(connection)
        except DatabaseError:
            # It will be opened anew, and asked then; a body that finds it broken is told so by its own statement.
            with suppress(Exception):
                connection.close()
            return
        self._as_is[connection.alias] = may


def _explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """Execute a statement, and say what to do should the database refuse to write."""
    try:
        return execute(sql, params, many, context)
    except UnfencedWrite:
        raise
    except DatabaseError as error:
        if not is_refusal_to_write(error):
            raise
        alias = context["connection"].alias
        raise UnfencedWrite(
            f"A job wrote to the database {alias!r}, but its fence is on another: say @task(writes_to={alias!r}) to "
            f"have it there, or put the write in a function and call once_on({alias!r}, 'a name', that_function). "
            f"(unfenced_databases=({alias!r},) turns the fence off for it.)"
        ) from error
