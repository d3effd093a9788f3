"""Database connections between one job and the next: held, never reopened without need, and never handed on broken."""

from __future__ import annotations

from contextlib import suppress

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_IDLE_BEFORE_PROBE = 1.0


def heal(*, idle: float) -> None:
    """Close every connection of this thread that is broken, or in which the last job left a transaction open.

    One that was idle for more than a second is asked whether it still works.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is None:
            continue
        doubtful = connection.errors_occurred or idle > _IDLE_BEFORE_PROBE
        if is_open(connection) or (doubtful and not connection.is_usable()):
            abandon(connection)
        else:
            connection.errors_occurred = False


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
