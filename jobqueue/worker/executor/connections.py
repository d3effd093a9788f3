"""Database connections between one job and the next: held, never reopened without need, and never handed on broken."""

from __future__ import annotations

from contextlib import suppress

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_IDLE_BEFORE_PROBE = 1.0


def heal() -> None:
    """Close every connection of this thread that is broken, or in which a job left a transaction open."""
    for connection in _ours():
        if connection.connection is None:
            continue
        if is_open(connection) or (connection.errors_occurred and not connection.is_usable()):
            abandon(connection)
        else:
            connection.errors_occurred = False


def renounce() -> None:
    """Close every connection of this thread: an error that came from outside may have struck in the middle of anything.

    Right behind BEGIN, for one: then Django takes the connection for idle, and it keeps locked what it will.
    """
    for connection in _ours():
        abandon(connection)
        vars(connection).pop("create_cursor", None)


def probe(*, idle: float) -> None:
    """Close every connection of this thread that does not work any more, if they were idle for more than a second."""
    if idle <= _IDLE_BEFORE_PROBE:
        return
    for connection in _ours():
        connection.errors_occurred = True  # Presumably: the server, or what is on the way to it, hangs up on the idle.
    heal()


def _ours() -> list[BaseDatabaseWrapper]:
    """Return the connections of this thread; to look for them takes long, so where there can be but one, it is got."""
    aliases = connections.settings
    if len(aliases) > 1:
        return list(connections.all(initialized_only=True))
    return [connections[alias] for alias in aliases]


def is_open(connection: BaseDatabaseWrapper) -> bool:
    """Return whether a transaction is under way that somebody has begun and not ended."""
    return connection.in_atomic_block or connection.autocommit != connection.settings_dict["AUTOCOMMIT"]


def abandon(connection: BaseDatabaseWrapper) -> None:
    """Close a connection whatever is under way on it; the next statement opens a new one."""
    # Inside an atomic block, close() but marks a connection, and leaves it unusable until that block ends: never.
    connection.in_atomic_block = connection.closed_in_transaction = False
    with suppress(Exception):
        connection.close()
    connection.connection = None
