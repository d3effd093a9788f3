"""Text columns in which two values are equal only when every character is."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class _Exact(models.Field):
    """Compares byte for byte, and holds every character that Python does.

    PostgreSQL and SQLite do so anyway. The default collations of MariaDB and MySQL fold case and trailing spaces,
    which would make the idempotency keys ``a``, ``A`` and ``"a "`` one key, and the default character set of an old
    database refuses what is outside of its plane, which would keep a failure from being recorded.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the column type, with a binary collation that does not pad where the default is otherwise."""
        db_type = super().db_type(connection)
        if connection.vendor == "mysql":
            mariadb = getattr(connection, "mysql_is_mariadb", False)
            return f"{db_type} CHARACTER SET utf8mb4 COLLATE {'utf8mb4_nopad_bin' if mariadb else 'utf8mb4_0900_bin'}"
        return db_type

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        """Return the type and the check, with the collation already a part of the type."""
        return {"type": self.db_type(connection), "check": self.db_check(connection)}


class ExactCharField(_Exact, models.CharField):
    """CharField compared byte for byte."""


class ExactTextField(_Exact, models.TextField):
    """TextField compared byte for byte."""
