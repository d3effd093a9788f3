"""Rows as written by somebody who has the database's password and no good will."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection

from jobqueue.database import uuid_param
from jobqueue.models import Job

# Why each is bad, and the text of the column.
BAD_ARGUMENTS = {
    "no JSON": "{'args': [], 'kwargs': {}}",
    "cut off": '{"args": [], "kwargs": {',
    "empty": "",
    "a number": "5",
    "null": "null",
    "a list": "[]",
    "no kwargs": '{"args": []}',
    "args of another type": '{"args": {"0": 1}, "kwargs": {}}',
    "kwargs of another type": '{"args": [], "kwargs": [["a", 1]]}',
    "more than there is": '{"args": [], "kwargs": {}, "func": "os.system"}',
    "NaN": '{"args": [NaN], "kwargs": {}}',
    "infinite": '{"args": [-Infinity], "kwargs": {}}',
    "a float without end": '{"args": [1e999], "kwargs": {}}',
    "an integer without end": f'{{"args": [{"9" * 5000}], "kwargs": {{}}}}',
    "NUL": '{"args": ["a\\u0000b"], "kwargs": {}}',
    "NUL in a key": '{"args": [], "kwargs": {"a\\u0000": 1}}',
    "half a surrogate pair": '{"args": ["\\ud800"], "kwargs": {}}',
    "32 levels": f'{{"args": [{"[" * 30}{"]" * 30}], "kwargs": {{}}}}',
    "900 levels": f'{{"args": {"[" * 900}{"]" * 900}, "kwargs": {{}}}}',
    "100,000 levels": f'{{"args": {"[" * 100_000}{"]" * 100_000}, "kwargs": {{}}}}',
    "100,000 levels of objects": f'{{"args": [], "kwargs": {'{"a":' * 100_000}1{"}" * 100_000}}}',
    "huge": f'{{"args": ["{"x" * (16 * 1024 * 1024)}"], "kwargs": {{}}}}',
}


# PostgreSQL keeps every number exactly: there, this one comes back as an integer of a thousand digits, and is good.
REWRITTEN = {"postgresql": {"a float without end"}}


def write(model: Any, pk: Any, **columns: str) -> bool:
    """Write texts into columns as they are; return whether the database took them."""
    key = uuid_param(connection, pk) if isinstance(pk, UUID) else pk
    assignments = ", ".join(f"{column} = %s" for column in columns)
    try:
        with _unchecked(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {model._meta.db_table} SET {assignments} WHERE id = %s", [*columns.values(), key])
            assert cursor.rowcount == 1
    except DatabaseError:
        # Only SQLite lets whoever writes turn its checks off.
        assert connection.vendor != "sqlite"
        connection.close()
        return False
    return True


@contextmanager
def _unchecked() -> Generator[None]:
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        yield
        cursor.execute("PRAGMA ignore_check_constraints = OFF")


def spoil(job_id: UUID, **columns: str) -> bool:
    """Write texts into the row of a job."""
    return write(Job, job_id, **columns)


def spoil_arguments(job_id: str, why: str) -> bool:
    """Write bad arguments into the row of a job; return whether the database took them, and they are still bad."""
    return why not in REWRITTEN.get(connection.vendor, ()) and spoil(UUID(job_id), arguments=BAD_ARGUMENTS[why])
