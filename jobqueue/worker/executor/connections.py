"""Database connections between one job and the next: held, never reopened without need, and never handed on broken."""

from __future__ import annotations

from django.db import connections

_IDLE_BEFORE_PROBE = 1.0


def heal(*, idle: float) -> None:
    """Close every connection of this thread that is broken, or in which the last job left a transaction open.

    One that was idle for more than a second is asked whether it still works.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is None:
            continue
        left_open = connection.in_atomic_block or connection.autocommit != connection.settings_dict["AUTOCOMMIT"]
        doubtful = connection.errors_occurred or idle > _IDLE_BEFORE_PROBE
        if left_open or (doubtful and not connection.is_usable()):
            connection.close()
        else:
            connection.errors_occurred = False
