"""Indexes over some of the rows: partial where the database can, over all of them where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.models.sql.query import Query


class PartialIndex(models.Index):
    """Index ``fields`` of the rows for which ``only`` holds.

    PostgreSQL and SQLite get ``… WHERE only``, so the other rows cost nothing. MariaDB and MySQL have no partial
    indexes and would be left with none by ``Index(condition=…)``; they get one over all rows, led by ``led_by``,
    or, where another serves as well, none: ``instead`` is its name.
    """

    def __init__(
        self,
        *,
        only: models.Q,
        fields: tuple[str, ...] | list[str],
        name: str,
        led_by: tuple[str, ...] | list[str] = (),
        instead: str = "",
    ) -> None:
        super().__init__(fields=fields, name=name)
        self.only = only
        self.led_by = list(led_by)
        self.instead = instead

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """Return what a migration needs to build the index again."""
        path, args, kwargs = super().deconstruct()
        instead = {"instead": self.instead} if self.instead else {}
        return path, args, {**kwargs, "only": self.only, "led_by": self.led_by, **instead}

    def create_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Statement:
        """Return the statement that creates the index on this database."""
        if self._is_left_out(schema_editor):
            return Statement("DO 0")
        if schema_editor.connection.features.supports_partial_indexes:
            index = models.Index(fields=self.fields, name=self.name, condition=self.only)
        else:
            index = models.Index(fields=[*self.led_by, *self.fields], name=self.name)
        return index.create_sql(model, schema_editor, using=using, **kwargs)

    def remove_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, **kwargs: Any) -> Any:
        """Return the statement that removes it."""
        if self._is_left_out(schema_editor):
            return Statement("DO 0")
        return super().remove_sql(model, schema_editor, **kwargs)

    def _is_left_out(self, schema_editor: BaseDatabaseSchemaEditor) -> bool:
        return bool(self.instead) and not schema_editor.connection.features.supports_partial_indexes


class PartialUnique(models.Index):
    """An index by which no two rows for which ``only`` holds have the same value of a field.

    MariaDB and MySQL get a generated column for that, ``column``: it has the value in these rows and NULL, which is
    like nothing, in all others. Elsewhere such a column would be computed for rows, and by statements, that need none.
    """

    def __init__(self, *, only: models.Q, fields: tuple[str, ...] | list[str], name: str, column: str) -> None:
        super().__init__(fields=fields, name=name)
        self.only = only
        self.column = column

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """Return what a migration needs to build the index again."""
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "only": self.only, "column": self.column}

    def covers(self, model: type[models.Model], connection: BaseDatabaseWrapper) -> tuple[str, str]:
        """Return the column to look in and the condition for rows that the index is over, as SQL.

        Both are spelled as the index is: SQLite knows it again by that alone.
        """
        if not connection.features.supports_partial_indexes:
            return self.column, f"{self.column} IS NOT NULL"
        return self._field(model).column, self._condition(model, connection)

    def create_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Statement:
        """Return the statement that creates the index on this database."""
        connection = schema_editor.connection
        table, field = model._meta.db_table, self._field(model)
        column, condition = self.covers(model, connection)
        if connection.features.supports_partial_indexes:
            return Statement(f"CREATE UNIQUE INDEX {self.name} ON {table} ({column}) WHERE {condition}")
        return Statement(
            f"ALTER TABLE {table} ADD COLUMN {column} {field.db_type(connection)} GENERATED ALWAYS AS "
            f"(CASE WHEN {self._condition(model, connection)} THEN {field.column} END) STORED, "
            f"ADD UNIQUE INDEX {self.name} ({column})"
        )

    def remove_sql(self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, **kwargs: Any) -> Any:
        """Return the statement that removes it."""
        if schema_editor.connection.features.supports_partial_indexes:
            return super().remove_sql(model, schema_editor, **kwargs)
        return Statement(f"ALTER TABLE {model._meta.db_table} DROP INDEX {self.name}, DROP COLUMN {self.column}")

    def _field(self, model: type[models.Model]) -> Any:
        return model._meta.get_field(self.fields[0])

    def _condition(self, model: type[models.Model], connection: BaseDatabaseWrapper) -> str:
        query = Query(model, alias_cols=False)
        sql, params = query.build_where(self.only).as_sql(query.get_compiler(connection=connection), connection)
        # Texts and numbers of our own.
        return sql % tuple(f"'{value}'" if isinstance(value, str) else value for value in params)
