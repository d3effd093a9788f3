"""Watches what a body says to the database, so that half a body can never be committed.

Three traps, all closed here: an error that undid part of the transaction and was swallowed by the body; a statement
that commits by itself (DDL on MariaDB and MySQL); and a write outside the fence in a body of ``effects="steps"``, which
the database refuses with a message that does not say what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from ...database import error_code
from ...errors import BrokenTransaction, UnfencedWrite
from ...points import reached

# MariaDB and MySQL: lock wait timeout, deadlock, record changed since read. The first may have undone one statement,
# the others the whole transaction and every savepoint in it.
_UNDOING = {1205, 1213, 1020}
_READ_ONLY = {"25006", 1792}

_USE_ONCE = (
    'A job with effects="steps" wrote to the database outside once(): put the write in a function and call '
    'once("a name", that_function). (effects="unfenced" turns the fence off.)'
)
_BLANK = r"(?:\s|/\*.*?\*/|--[^\n]*(?:\n|$)|\#[^\n]*(?:\n|$))*"
# What MariaDB and MySQL commit for by themselves.
_COMMITS = re.compile(
    _BLANK + r"(ALTER|CREATE(?!\s+TEMPORARY)|DROP(?!\s+TEMPORARY)|RENAME|TRUNCATE|GRANT|REVOKE|LOCK|UNLOCK|OPTIMIZE"
    r"|REPAIR|FLUSH|RESET|INSTALL|UNINSTALL|SET\s+PASSWORD|(?:LOAD|CACHE)\s+INDEX|(?:ANALYZE|CHECK)(?:\s+\w+)?\s+TABLE)\b",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = re.compile(
    _BLANK + r"(COMMIT|ROLLBACK(?!\s+(?:WORK\s+)?TO\b)|ABORT|PREPARE\s+TRANSACTION|BEGIN|START\s+TRANSACTION|END"
    r"|SET\s+(?:SESSION\s+|LOCAL\s+|@@(?:SESSION\.)?)?autocommit)\b",
    re.IGNORECASE | re.DOTALL,
)
# After a semicolon: BEGIN and END are also words of functions and triggers.
_ENDS_LATER = re.compile(_BLANK + r"(COMMIT|ROLLBACK(?!\s+(?:WORK\s+)?TO\b))\b", re.IGNORECASE | re.DOTALL)


class Guard:
    """An execute wrapper for the connection on which a fenced block runs."""

    def __init__(self, connection: BaseDatabaseWrapper, *, advice: str = _USE_ONCE) -> None:
        self._connection: Any = connection
        self._advice = advice
        self._broken: BaseException | None = None
        self._may_write = False
        self._depth: int | None = None

    def enter_block(self) -> None:
        """Note that a fenced transaction begins here; what the body opens inside are savepoints."""
        self._broken = None
        self._may_write = True
        self._depth = len(self._connection.savepoint_ids)

    def enter_fence(self) -> None:
        """Note that the body is over, and that what comes now is our own last word in its transaction."""
        self._depth = None

    def leave_block(self) -> None:
        """Note that the fenced transaction is over."""
        self._depth = None
        self._may_write = False

    def refuse_if_broken(self) -> None:
        """Raise BrokenTransaction when an error has undone part of the block, whatever the body made of it."""
        if self._broken is not None or self._connection.needs_rollback or self._was_rolled_back():
            raise BrokenTransaction(
                "A database error in the body was swallowed, but it had undone part of the transaction: nothing of it "
                "is committed. Let the error through, or wrap what may fail in its own transaction.atomic()."
            ) from self._broken
        if len(self._connection.savepoint_ids) != self._depth:
            raise BrokenTransaction(
                "The body opened a transaction and never closed it, so nothing of it is committed: use "
                "`with transaction.atomic():`, which closes it in any case."
            )

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """Execute a statement of the body."""
        if self._depth is not None:
            self._refuse_what_ends_the_block(sql)
        try:
            result = execute(sql, params, many, context)
        except DatabaseError as error:
            code = error_code(error)
            if not self._may_write and is_refusal_to_write(error):
                raise UnfencedWrite(self._advice) from error
            if self._depth is not None and (code in _UNDOING or len(self._connection.savepoint_ids) <= self._depth):
                self._broken = self._broken or error
                if self._was_rolled_back():
                    self._connection.needs_rollback = True  # What came now would be committed at once.
            raise
        reached("run.after-statement")
        return result

    def _refuse_what_ends_the_block(self, sql: Any) -> None:
        first, *others = _text(sql, self._connection.connection).split(";")
        is_mysql = self._connection.vendor == "mysql"
        found = _ENDS.match(first) or (_COMMITS.match(first) if is_mysql else None)
        for other in others:
            found = found or _ENDS_LATER.match(other) or (_COMMITS.match(other) if is_mysql else None)
        if found:
            raise UnfencedWrite(
                f"{found[1].upper()} would end the transaction of this job in the middle and commit half of its work: "
                'do it outside of a job, or in a task with effects="unfenced".'
            )

    def _was_rolled_back(self) -> bool:
        """Return whether SQLite has ended the transaction by itself, as it does when the disk is full."""
        raw = self._connection.connection
        return self._connection.vendor == "sqlite" and raw is not None and not raw.in_transaction


def _text(sql: Any, raw: Any) -> str:
    """Return a statement as text: drivers also take bytes, and psycopg a composition."""
    if isinstance(sql, str):
        return sql
    if isinstance(sql, bytes):
        return sql.decode(errors="replace")
    return str(sql.as_string(raw)) if hasattr(sql, "as_string") else str(sql)


def is_refusal_to_write(error: BaseException) -> bool:
    """Return whether a database has refused a statement because its session may only read."""
    return error_code(error) in _READ_ONLY or "attempt to write a readonly database" in str(error)
