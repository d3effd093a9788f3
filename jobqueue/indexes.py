"""An index over some of the jobs: partial where the database can, over all of them where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement


class PartialIndex(models.Index):
    """Index ``fields`` of the rows for which ``only`` holds.

    PostgreSQL and SQLite get ``… WHERE only``, so the other rows cost nothing. MariaDB and MySQL have no partial
    indexes and would be left with none by ``Index(condition=…)``; they get one over all rows, led by ``led_by``.
    """

    def __init__(
        self,
        *,
        only: models.Q,
        fields: tuple[str, ...] | list[str],
        name: str,
        led_by: tuple[str, ...] | list[str] = (),
    ) -> None:
        super().__init__(fields=fields, name=name)
        self.only = only
        self.led_by = list(led_by)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """Return what a migration needs to build the index again."""
        path, args, kwargs = super().deconstruct()
        return path, args, {**kwargs, "only": self.only, "led_by": self.led_by}

    def create_sql(
        self, model: type[models.Model], schema_editor: BaseDatabaseSchemaEditor, using: str = "", **kwargs: Any
    ) -> Statement:
        """Return the statement that creates the index on this database."""
        if schema_editor.connection.features.supports_partial_indexes:
            index = models.Index(fields=self.fields, name=self.name, condition=self.only)
        else:
            index = models.Index(fields=[*self.led_by, *self.fields], name=self.name)
        return index.create_sql(model, schema_editor, using=using, **kwargs)
