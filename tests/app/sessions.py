"""The sessions of a database server, seen and ended from one of their own. There are none on SQLite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

from tests.waiting import wait_until

_HERE = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}
_HANG_UP = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}


def session_of(connection: Any) -> int:
    """Return the number of the session that a connection of Django's is open to."""
    raw = connection.connection
    number: int = raw.info.backend_pid if connection.vendor == "postgresql" else raw.thread_id()
    return number


def sessions_here(via: Any = connection) -> set[int]:
    """Return the sessions on this database, but the one that asks."""
    with via.cursor() as cursor:
        cursor.execute(_HERE[via.vendor])
        return {number for (number,) in cursor.fetchall()}


def hang_up(sessions: Iterable[int]) -> None:
    """End sessions and wait until they are gone."""
    ended, other = set(sessions), connection.copy()
    try:
        with other.cursor() as cursor:
            for number in ended & sessions_here(other):
                cursor.execute(_HANG_UP[other.vendor], [number])
        wait_until(lambda: not ended & sessions_here(other))
    finally:
        other.close()
