"""The drill's own database and keys: made at the start, gone at the end, whatever happens in between."""

from __future__ import annotations

import contextlib
import os
import shutil
import warnings
from collections.abc import Iterator
from typing import Any, cast

from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.tasks import task_backends

from ..backend import JobQueueBackend
from ..leases import LeasesUnavailable
from .plan import current


class DrillFailed(Exception):
    """The drill could not be held; its text says why and what to do."""


def backend() -> JobQueueBackend:
    """Return the backend that is drilled."""
    return cast(JobQueueBackend, task_backends["default"])


@contextlib.contextmanager
def directory() -> Iterator[None]:
    """Have a directory for the record, the workers' logs, and SQLite."""
    path = current().directory
    os.mkdir(path, mode=0o700)
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def database() -> Iterator[None]:
    """Have a database with the tables of the queue and of the drill; raises DrillFailed when none can be made."""
    try:
        _create()
        call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
        yield
    finally:
        _drop()


@contextlib.contextmanager
def keys() -> Iterator[None]:
    """Leave no key in Redis."""
    try:
        yield
    finally:
        with contextlib.suppress(LeasesUnavailable):
            forget_redis()


def forget_redis() -> None:
    """Have Redis forget all that it knows of this drill, and nothing else; raises LeasesUnavailable."""
    leases = backend().leases()
    if leases is not None:
        leases.forget_all()


def _create() -> None:
    if connection.vendor == "sqlite":
        return  # Its file is made by the first connection, in the drill's directory.
    name, suffix = _quoted_name(), connection.creation.sql_table_creation_suffix()
    try:
        with _maintenance_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} {suffix}")
    except DatabaseError as error:
        raise DrillFailed(
            f"It needs a database of its own and could not create {name}: {str(error).strip()}\n"
            "Let the user of DATABASES create databases (it needs what `manage.py test` needs), or hold the drill on a "
            "server where it may."
        ) from error


def _drop() -> None:
    connections.close_all()
    if connection.vendor == "sqlite":
        return  # The directory takes the file with it.
    # A worker that was killed a moment ago may still be connected, as the server sees it.
    force = " WITH (FORCE)" if connection.vendor == "postgresql" else ""
    with contextlib.suppress(DatabaseError), _maintenance_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {_quoted_name()}{force}")


def _quoted_name() -> str:
    return connection.ops.quote_name(connection.settings_dict["NAME"])


@contextlib.contextmanager
def _maintenance_cursor() -> Iterator[Any]:
    wrapper: Any = connection
    if hasattr(wrapper, "close_pool"):
        wrapper.close_pool()
    # What Django's own test runner creates and drops databases with. It warns before it looks elsewhere for a server
    # that does not answer; what it finds in the end says enough.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with wrapper._nodb_cursor() as cursor:
            yield cursor
