"""One transaction: what a body or a step writes, the check that the job is still ours, COMMIT, and its outcome.

The fence is the last statement, so the lock on the job's row is held for a moment only, and everything before it is
undone when the row says that the job is another's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, ProgrammingError
from django.db.backends.base.base import BaseDatabaseWrapper

from ...database import is_full
from ...errors import HandBack, LeaseLost, TimeLimitExceeded
from ...points import reached
from . import files
from .connections import abandon
from .guard import Guard
from .lazy import Lazy

logger = logging.getLogger("jobqueue.worker")


class NoRoom(HandBack):
    """The server has no room for the fence: a full disk is no failure of the job."""


class Refused(LeaseLost):
    """The database refused the writes of this job: it names another owner, or none."""


class Block:
    """A fenced transaction under way."""

    def __init__(self, connection: BaseDatabaseWrapper, guard: Guard, lazy: Lazy) -> None:
        self._connection: Any = connection
        self._guard = guard
        self._lazy = lazy
        self.committing = False
        self.hooks: list[Any] = []

    def untouched(self) -> bool:
        """Return whether the body left nothing to commit."""
        return not self._lazy.begun() and not self._connection.run_on_commit

    def fence(self, statement: Callable[[], bool]) -> None:
        """Run the fence, which must be the last statement; raises Refused when it changes no row."""
        self._lazy.begin()  # There may be nothing but hooks so far.
        self._guard.refuse_if_broken()
        self._guard.enter_fence()
        reached("fence.before")
        with _given_room(self._connection):
            if not statement():
                raise Refused("The database refused the writes of this job: it is no longer this worker's.")
        # A hook that raises must not look like a COMMIT that failed.
        self.hooks, self._connection.run_on_commit = self._connection.run_on_commit, []
        self.committing = True
        reached("fence.after")


@contextmanager
def block(connection: BaseDatabaseWrapper, guard: Guard, *, committed: Callable[[], bool]) -> Iterator[Block]:
    """Open a fenced transaction, and find out what happened should its COMMIT go wrong.

    ``committed()`` asks the database, on a new connection, whether the transaction landed.
    """
    current: Block | None = None
    try:
        with Lazy(connection) as lazy:
            current = Block(connection, guard, lazy)
            guard.enter_block()
            yield current
        if current.committing:
            reached("fence.committed")
    except (DatabaseError, InterfaceError) as error:
        if current is None or not current.committing:
            raise
        logger.warning("The outcome of a COMMIT is unknown (%s): asking.", str(error).strip())
        # It may have broken behind the COMMIT, in setting autocommit again: Django leaves it neither open nor closed.
        abandon(connection)
        landed = persistently(connection, committed)
        logger.warning("The COMMIT of unknown outcome had %s.", "landed" if landed else "not landed")
        if not landed:
            raise
    finally:
        guard.leave_block()
    for _, hook, _ in current.hooks if current else ():
        _run(hook)


def persistently[T](connection: BaseDatabaseWrapper, ask: Callable[[], T]) -> T:
    """Return ``ask()``, trying until the database answers; the worker ends this process when its trust is over.

    An answer that says that the question is wrong (DataError, IntegrityError, ProgrammingError) is raised.
    """
    pause = 0.1
    while True:
        try:
            return ask()
        except (DataError, IntegrityError, ProgrammingError):
            raise
        except (DatabaseError, InterfaceError) as error:
            logger.warning("The database does not answer (%s): trying again.", str(error).strip())
            abandon(connection)
            if files.used_up():
                files.end()  # It would ask for ever, and its job would never end.
            time.sleep(pause)
            pause = min(pause * 2, 2.0)


@contextmanager
def _given_room(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have a job handed back whose writes a server with a full disk took, but not their fence: that is no failure."""
    try:
        yield
    except DatabaseError as error:
        if not is_full(connection, error):
            raise
        raise NoRoom(f"The database has no room for the fence: {str(error).strip()}") from error


def _run(hook: Callable[[], None]) -> None:
    try:
        hook()
    except (LeaseLost, TimeLimitExceeded):
        raise  # After a step: that is meant for the body, not for the hook.
    except BaseException:
        logger.exception("An on_commit hook of a job failed; the job itself is committed.")
