"""An index over one status of the jobs: partial where the database can, led by the status where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement


class StatusIndex(models.Index):
    """Index ``fields`` of the rows with the given ``status``.

    PostgreSQL and SQLite get ``… WHERE status = 'READY'``, so finished jobs cost nothing. MariaDB and MySQL have no
    partial indexes and would be left with none by ``Index(condition=…)``; they get ``(status, …)``.
    """

    def __init__(self, *, status: str, fields: tuple[str, ...] | list[str], name: str) -> None:
        super().__init__(fields=fields, name=name)
        self.status = status

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """Return what a migration needs to build the index again."""
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "status": self.status}

    def create_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Statement:
        """Return the statement that creates the index on this database."""
        if schema_editor.connection.features.supports_partial_indexes:
            condition = models.Q(status=self.status)
            index = models.Index(fields=self.fields, name=self.name, condition=condition)
        else:
            index = models.Index(fields=["status", *self.fields], name=self.name)
        return index.create_sql(model, schema_editor, using=using, **kwargs)
