"""The job whose body is running: what current_job() answers with."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from ... import ledger, results
from ...conf import Options
from ...errors import LeaseLost
from ...fence import Fence
from ...fields import storable
from ...lifecycle import Claim
from ...payload import load_arguments
from ...secrets import Secrets
from ...task import JobTask
from ..messages import Progress
from ..trust import Trust
from .guard import Guard
from .logbook import Logbook
from .readonly import is_reading, writable

_PROGRESS_SECONDS = 0.25
# Beyond this, numbers of JSON are floats to most who read it.
_EXACT = 2**53


class RunningJob:
    """A job in an executor. Implements jobqueue.current.CurrentJob.

    One is made for every job, and most need little of it: what can wait is made when it is first asked for.
    """

    steps_committed = 0
    in_step = False
    in_step_abroad = False
    _next_progress = 0.0
    _results: list[Any] | None = None

    def __init__(
        self,
        claim: Claim,
        task: JobTask,
        *,
        options: Options,
        connection: BaseDatabaseWrapper,
        trust: Trust,
        tell: Callable[[Progress], None],
        stopping: Callable[[], bool],
    ) -> None:
        self.claim = claim
        self.task = task
        self.effects = task.effects or options.effects
        self.max_result_bytes = options.max_result_bytes
        self.connection = connection
        self.writes_to = task.writes_to or options.writes_to or connection.alias
        self.unfenced = task.unfenced_databases or options.unfenced_databases
        self.abroad: dict[str, int] = {}
        self.guard = Guard(connection) if self._is_at_home() else Guard(connection, advice=self._advice())
        self.steps_done: set[str] = set()
        self.undecided: dict[str, bool] = {}
        self._log_lines = options.log_lines
        self._trust = trust
        self._tell = tell
        self._stopping = stopping

    @cached_property
    def secrets(self) -> Secrets:
        """What no text for people may have in it."""
        return Secrets(self.task, lambda: load_arguments(self.claim.arguments, self.claim.job_id))

    @property
    def logbook(self) -> Logbook | None:
        """What takes the records of its body; None when none are kept."""
        if not self._log_lines:
            return None
        # One step for the interpreter, for two threads of a body may log its first line at once.
        return self.logged or self.__dict__.setdefault("_logbook", Logbook(self._log_lines, self.secrets))

    @property
    def logged(self) -> Logbook | None:
        """The same, once anything was logged; most jobs log nothing."""
        return self.__dict__.get("_logbook")

    @property
    def id(self) -> UUID:
        """The id of the job."""
        return self.claim.job_id

    @property
    def fence(self) -> Fence:
        """What every write about this job names."""
        return self.claim.fence

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.claim.failures + self.claim.crashes + 1

    @cached_property
    def tick(self) -> datetime | None:
        """The moment of the tick that made this job, asked of the ledger when it is first asked for."""
        return ledger.tick_of(self.id)

    @property
    def results(self) -> list[Any]:
        """What the jobs returned for which this one has waited, asked of the database when it is first asked for."""
        if self._results is None:
            self._results = results.handed_on(self.id)
        return self._results

    @property
    def stopping(self) -> bool:
        """Whether the worker was told to stop."""
        return self._stopping()

    @property
    def resumed(self) -> Any:
        """The state of the last checkpoint of the job, None when there is none."""
        from .checkpoints import resumed  # As in once().

        return resumed(self)

    def checkpoint(self, state: Any) -> None:
        """Keep a state for the next attempt; see jobqueue.current.CurrentJob."""
        from .checkpoints import checkpoint  # As in once().

        checkpoint(self, state)

    def ensure_held(self) -> None:
        """Raise LeaseLost when this worker may no longer believe that the job is its own; asks nobody."""
        if not self._trust.holds():
            raise LeaseLost(
                f"Job {self.id} may run elsewhere by now: neither its lease nor the heartbeat could be renewed."
            )

    def idempotency_key(self, step: str = "") -> str:
        """Return a key for an effect outside the database, the same in every attempt."""
        return f"{self.id}:{step}" if step else str(self.id)

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Report progress, a few times a second at most; the last step is always told.

        Raises ValueError for what is not a number.
        """
        done, total = _finite(done), None if total is None else _finite(total)
        now = time.monotonic()
        if now >= self._next_progress or (total is not None and done >= total):
            self._next_progress = now + _PROGRESS_SECONDS
            told = _plain(self.secrets.out_of(str(note)))
            self._tell(Progress(self.id, {"done": done, "total": total, "note": told}))

    def once[T](self, name: str, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """See jobqueue.once()."""
        from .steps import once  # Steps are made of jobs.

        value: T = once(self, name, fn, args, kwargs)
        return value

    def once_on[T](self, database: str, name: str, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """See jobqueue.once_on()."""
        from .steps import once  # Steps are made of jobs.

        value: T = once(self, name, fn, args, kwargs, database=database)
        return value

    def deliver[T](
        self,
        step: str,
        fn: Callable[..., T],
        /,
        *args: Any,
        lookup: Callable[[str], T | None] | None = None,
        not_done: tuple[type[BaseException], ...] = (),
        **kwargs: Any,
    ) -> T:
        """See jobqueue.deliver()."""
        from .deliver import deliver  # As in once().

        value: T = deliver(self, step, lambda: fn(*args, **kwargs), lookup=lookup, not_done=not_done)
        return value

    @contextmanager
    def writing_here(self) -> Iterator[None]:
        """Let what is ours write to the jobs' database, where the body may only read."""
        if is_reading(self.connection):
            with writable(self.connection):
                yield
        else:
            yield

    def _is_at_home(self) -> bool:
        """Return whether a body that is one transaction has it on the jobs' database."""
        return self.effects != "atomic" or self.writes_to == self.connection.alias

    def _advice(self) -> str:
        here, there = self.connection.alias, self.writes_to
        return (
            f"A job whose task writes to the database {there!r} wrote to {here!r}, where it would not be in the same "
            f"transaction. To enqueue another job from it, use .using(commit_on={there!r}).enqueue_on_commit(…); for "
            'writes to both use effects="steps" and once_on().'
        )

    @contextmanager
    def stepping(self, *, abroad: bool = False) -> Iterator[None]:
        """Mark that a step is under way, and whether on another database than the jobs'."""
        self.in_step, self.in_step_abroad = True, abroad
        try:
            yield
        finally:
            self.in_step = self.in_step_abroad = False


def _finite(number: Any) -> float:
    """Return a number that JSON has: what could not be stored would keep all that this worker reports from it."""
    if isinstance(number, int) and abs(number) < _EXACT:
        return int(number)  # Not of a class of the body's, which the worker need not know.
    try:
        value = float(number)
    except (TypeError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"progress() takes finite numbers, not {number!r}.")
    return value


def _plain(note: str) -> str:
    """Return the beginning of a text, without what databases refuse."""
    return storable(note[:200])
