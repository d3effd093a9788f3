"""The tables of jobqueue: whether they are migrated, have their indexes, and are not full of dead rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models
from django.db.migrations.executor import MigrationExecutor

from ..database import connection
from . import servers
from .finding import Finding, Level, judged
from .looks import Look

# Below that nobody feels it; beyond, a scan of what is ready reads more dead entries than living ones.
MANY_DEAD = 100_000


def looks() -> Iterator[Look]:
    """Yield the looks at tables; without all migrations no other is taken at jobs and workers."""
    needs = frozenset({"database"})
    yield Look(about="database.migrations", at=_migrations, needs=needs, opens="tables")
    needs |= {"tables"}
    yield Look(about="database.commit", at=servers.commits, needs=needs)
    yield Look(about="database.indexes", at=_indexes, needs=needs)
    yield Look(about="database.dead-rows", at=_dead_rows, needs=needs)
    yield Look(about="database.journal", at=_journal, needs=needs)


def _migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection())
    targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "jobqueue"]
    pending = [migration.name for migration, _ in executor.migration_plan(targets) if migration.app_label == "jobqueue"]
    yield judged(
        Level.PROBLEM if pending else Level.OK,
        about="database.migrations",
        says=f"Not migrated yet: {', '.join(pending)}." if pending else "All migrations are applied.",
        means="Tables and code do not fit together. Nothing else about jobs could be looked at.",
        do="Run: python manage.py migrate jobqueue",
        figure=len(pending),
        unit="migrations",
    )


def _indexes() -> Iterator[Finding]:
    missing = [name for model in _models() for name in _missing(model)]
    yield judged(
        Level.PROBLEM if missing else Level.OK,
        about="database.indexes",
        says=f"Indexes are missing: {', '.join(missing)}." if missing else "Every index is there.",
        means="Claims and pages become slower with each job; without a unique one things may happen twice.",
        do="Create them again; `python manage.py sqlmigrate jobqueue 0001` shows how.",
        figure=len(missing),
        unit="indexes",
    )
    if connection().vendor == "postgresql":
        invalid = _invalid()
        yield judged(
            Level.PROBLEM if invalid else Level.OK,
            about="database.invalid-indexes",
            says=f"Indexes are not valid: {', '.join(invalid)}." if invalid else "Every index is valid.",
            means="They are written to and never read: the end of a CREATE INDEX CONCURRENTLY that failed.",
            do="REINDEX INDEX CONCURRENTLY them, or drop those that are not of jobqueue.",
            figure=len(invalid),
            unit="indexes",
        )


def _missing(model: type[models.Model]) -> Iterator[str]:
    with connection().cursor() as cursor:
        found = connection().introspection.get_constraints(cursor, model._meta.db_table)
    named = [*model._meta.indexes, *(it for it in model._meta.constraints if isinstance(it, models.UniqueConstraint))]
    for index in named:
        if index.name not in found and not _is_served_by_another(index):
            yield index.name
    columns = [constraint["columns"] for constraint in found.values() if constraint["index"] or constraint["unique"]]
    fields: list[Any] = list(model._meta.local_concrete_fields)
    for field in fields:
        if field.db_index and not any(of and of[0] == field.column for of in columns):
            yield f"{model._meta.db_table}.{field.column}"


def _is_served_by_another(index: Any) -> bool:
    """Return whether an index is left out on this database, where another one does as well."""
    return bool(getattr(index, "instead", "")) and not connection().features.supports_partial_indexes


def _invalid() -> list[str]:
    return [
        name
        for (name,) in _rows(
            "SELECT i.relname FROM pg_index x"
            " JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid"
            " WHERE t.relname = ANY(%s) AND pg_table_is_visible(t.oid) AND NOT (x.indisvalid AND x.indisready)"
            " ORDER BY i.relname",
            [_tables()],
        )
    ]


def _dead_rows() -> Iterator[Finding]:
    if connection().vendor != "postgresql":
        return
    counts = _rows(
        "SELECT relname, n_dead_tup, n_live_tup FROM pg_stat_user_tables WHERE relname = ANY(%s)"
        " AND pg_table_is_visible(relid) ORDER BY n_dead_tup DESC",
        [_tables()],
    )
    many = [name for name, dead, live in counts if dead > MANY_DEAD and dead > live / 5]
    most = max((dead for _, dead, _ in counts), default=0)
    yield judged(
        bool(many),
        about="database.dead-rows",
        says=f"{most:,} dead rows are the most that a table has{f': {", ".join(many)}' if many else ''}.",
        means="Vacuum comes too seldom, or an old transaction or replication slot keeps it from taking them away.",
        do="VACUUM it, and set autovacuum_vacuum_threshold for it: see docs/scale.md.",
        figure=most,
        unit="rows",
    )


def _journal() -> Iterator[Finding]:
    if connection().vendor != "sqlite":
        return
    ((mode,),) = _rows("PRAGMA journal_mode", [])
    yield judged(
        mode != "wal",
        about="database.journal",
        says=f"The journal of SQLite is {str(mode).upper()}.",
        means="Who reads keeps others from writing, and is kept from reading by them: errors that it is locked.",
        do="Add PRAGMA journal_mode=WAL to init_command in the OPTIONS of DATABASES.",
    )


def _models() -> list[type[models.Model]]:
    return list(apps.get_app_config("jobqueue").get_models())


def _tables() -> list[str]:
    return [model._meta.db_table for model in _models()]


def _rows(statement: str, params: list[Any]) -> list[Any]:
    with connection().cursor() as cursor:
        cursor.execute(statement, params)
        return list(cursor.fetchall())
