"""Databases by URL: made, asked and dropped, whichever of the three kinds they are."""

from __future__ import annotations

import contextlib
from typing import Any

import dj_database_url


class Database:
    """One database, with a connection that commits each statement."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.kind = url.partition(":")[0].replace("postgresql", "postgres")
        self._parts: dict[str, Any] = dict(dj_database_url.parse(url))
        self._connection: Any = None

    def create(self) -> None:
        """Make it anew."""
        self.drop()
        self._maintain("CREATE DATABASE {}")

    def drop(self) -> None:
        """Remove it, with whoever is connected."""
        self.close()
        self._maintain("DROP DATABASE IF EXISTS {}" + (" WITH (FORCE)" if self.kind == "postgres" else ""))

    def ask(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        if self._connection is None:
            self._connection = self._connect(self._parts["NAME"])
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql, params)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    def empty(self, *tables: str) -> None:
        """Remove all rows of tables."""
        for table in tables:
            verb = {"postgres": "TRUNCATE {} CASCADE", "mysql": "TRUNCATE {}", "sqlite": "DELETE FROM {}"}[self.kind]
            self.ask(verb.format(table))

    def settle_down(self) -> None:
        """Have what earlier measurements left to write be written now, where we may ask for that."""
        if self.kind == "postgres":
            with contextlib.suppress(Exception):
                self.ask("CHECKPOINT")

    def version(self) -> str:
        """Return the name and version of the server."""
        sql = {
            "postgres": "SELECT 'PostgreSQL ' || current_setting('server_version')",
            "mysql": "SELECT CONCAT('MariaDB ', version())",
            "sqlite": "SELECT 'SQLite ' || sqlite_version()",
        }[self.kind]
        return str(self.ask(sql)[0][0])

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _maintain(self, statement: str) -> None:
        if self.kind == "sqlite":
            return  # The first connection makes the file, and the directory takes it with it.
        quote = '"' if self.kind == "postgres" else "`"
        connection = self._connect("postgres" if self.kind == "postgres" else "")
        cursor = connection.cursor()
        cursor.execute(statement.format(f"{quote}{self._parts['NAME']}{quote}"))
        connection.close()

    def _connect(self, name: str) -> Any:
        # Each driver is imported when it is used: a run without MariaDB needs no MySQLdb.
        host, port, user = self._parts["HOST"], self._parts["PORT"], self._parts["USER"]
        if self.kind == "postgres":
            import psycopg

            return psycopg.connect(
                host=host, port=port, user=user, password=self._parts["PASSWORD"], dbname=name, autocommit=True
            )
        if self.kind == "mysql":
            import MySQLdb

            connection = MySQLdb.connect(
                host=host, port=int(port or 3306), user=user, password=self._parts["PASSWORD"], database=name
            )
            connection.autocommit(True)
            return connection
        import sqlite3

        return sqlite3.connect(name, timeout=20, isolation_level=None)
