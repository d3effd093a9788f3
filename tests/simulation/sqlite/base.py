"""Django's backend for SQLite, on sessions that the simulation has in hand."""

from __future__ import annotations

from typing import Any

from django.db.backends.sqlite3 import base

from tests.simulation import current
from tests.simulation.server import Cursor, Session


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to the simulated server."""

    def get_new_connection(self, conn_params: Any) -> Session:
        make = super().get_new_connection
        return current.simulation.server.open(lambda: make(conn_params))

    def create_cursor(self, name: str | None = None) -> Cursor:
        cursor: Cursor = self.connection.cursor()
        return cursor

    def is_usable(self) -> bool:
        session: Session = self.connection
        return not session.broken and current.simulation.server.reaches(session.actor.process)
