"""Actors: threads with a database connection of their own, which a test leads step by step into the bad order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import Any

from django.db import connection, connections, transaction

from tests.waiting import wait_until

SOON = 10.0
# How long SQLite is watched to wait: it polls inside the library, where nobody can see it.
_SQLITE_WATCH = 0.25


class Actor:
    """One thread with one connection. Each call is a step; a step that has to wait is left waiting."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._transaction = ExitStack()
        self._session = self.do(_session_id)

    def start[T](self, step: Callable[..., T], *args: Any, **kwargs: Any) -> Future[T]:
        """Begin a step."""
        return self._thread.submit(step, *args, **kwargs)

    def do[T](self, step: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Take a step to its end."""
        return self.start(step, *args, **kwargs).result(SOON)

    def defer(self) -> None:
        """Have transactions begin as is SQLite's own default: no lock before the first write."""
        self.do(lambda: setattr(connections["default"], "transaction_mode", None))

    def begin(self) -> None:
        """Open a transaction, for the steps that follow."""
        self.do(lambda: self._transaction.enter_context(transaction.atomic()))

    def commit(self) -> None:
        """Commit it."""
        self.do(self._transaction.close)

    def roll_back(self) -> None:
        """Undo it."""
        self.do(lambda: (transaction.set_rollback(True), self._transaction.close()))

    def waits(self, step: Future[Any]) -> None:
        """Assert that a step waits for somebody else's transaction, now."""
        if connection.vendor == "sqlite":
            assert not wait([step], timeout=_SQLITE_WATCH).done, "It did not wait."
        else:
            wait_until(lambda: step.done() or _is_blocked(self._session), SOON)
            assert not step.done(), "It did not wait."

    def leave(self) -> None:
        """End the thread once its last step is over; what it has not committed is undone."""
        self._thread.submit(connections.close_all)
        self._thread.shutdown(wait=False)

    def join(self) -> None:
        """Wait until it has left."""
        self._thread.shutdown(wait=True)


def _session_id() -> int:
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()" if connection.vendor == "postgresql" else "SELECT CONNECTION_ID()")
        return int(cursor.fetchone()[0])


def _is_blocked(session: int) -> bool:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [session])
            return bool(cursor.fetchone()[0])
        # Not information_schema.innodb_trx: it is a copy that is renewed only when nobody has asked for 0.1 s.
        cursor.execute("SHOW ENGINE INNODB STATUS")
        transactions = cursor.fetchone()[2].split("---TRANSACTION")
        return any("LOCK WAIT" in text and f"thread id {session}," in text for text in transactions)
