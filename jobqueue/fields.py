"""Columns: texts that are equal only when every character is, JSON that is read strictly, moments that can be read."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields.json import KeyTransform
from django.db.models.sql.compiler import SQLCompiler

from .database import readable_sql
from .strict import read_or_tell


def is_storable(text: str) -> bool:
    """Return whether every database takes a text: it has no NUL and no half of a surrogate pair."""
    return storable(text) == text


def storable(text: str) -> str:
    """Return a text as databases store it, with a mark for each character that they refuse."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


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

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Return what is wrong; not that old versions of MySQL and MariaDB index 255 characters of a text at most.

        The versions that jobqueue runs on take 768 characters, and no text here is as long.
        """
        return [message for message in super().check(**kwargs) if message.id != "mysql.W003"]


class ExactTextField(_Exact, models.TextField):
    """TextField compared byte for byte."""


class StrictJSONField(models.JSONField):
    """JSONField that reads what jobqueue could have written, and gives Unreadable for anything else."""

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """Return the value of a column."""
        if value is None or isinstance(expression, KeyTransform):
            return super().from_db_value(value, expression, connection)
        return read_or_tell(value)

    def deconstruct(self) -> Any:
        """Return how migrations build it: the column is that of a JSONField."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


class MomentField(models.DateTimeField):
    """DateTimeField that reads what lies beyond the ends of Python's time as its ends."""

    def select_format(self, compiler: SQLCompiler, sql: str, params: Any) -> tuple[str, Any]:
        """Return the SQL to read the column by."""
        readable = readable_sql(compiler.connection, sql)
        return readable, tuple(params) * readable.count(sql)

    def deconstruct(self) -> Any:
        """Return how migrations build it: the column is that of a DateTimeField."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs
