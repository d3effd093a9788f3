"""The job whose body is running: what current_job() answers with."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from ...conf import Options
from ...errors import LeaseLost
from ...fence import Fence
from ...lifecycle import Claim
from ...task import JobTask
from ..messages import Progress
from ..trust import Trust
from .guard import Guard

_PROGRESS_SECONDS = 0.25


class RunningJob:
    """A job in an executor. Implements jobqueue.current.CurrentJob."""

    def __init__(
        self,
        claim: Claim,
        task: JobTask,
        *,
        options: Options,
        connection: BaseDatabaseWrapper,
        trust: Trust,
        tell: Callable[[Progress], None],
    ) -> None:
        self.claim = claim
        self.task = task
        self.effects = task.effects or options.effects
        self.max_result_bytes = options.max_result_bytes
        self.connection = connection
        self.guard = Guard(connection)
        self.steps_done: set[str] = set()
        self.in_step = False
        self._trust = trust
        self._tell = tell
        self._next_progress = 0.0

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
            self._tell(Progress(self.id, {"done": done, "total": total, "note": _plain(note)}))

    def once[T](self, name: str, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """See jobqueue.once()."""
        from .steps import once  # Steps are made of jobs.

        value: T = once(self, name, fn, args, kwargs)
        return value

    @contextmanager
    def stepping(self) -> Iterator[None]:
        """Mark that a step is under way."""
        self.in_step = True
        try:
            yield
        finally:
            self.in_step = False


def _finite(number: Any) -> float:
    """Return a number that JSON has: what could not be stored would keep all that this worker reports from it."""
    if isinstance(number, int):
        return number
    try:
        value = float(number)
    except TypeError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"progress() takes finite numbers, not {number!r}.")
    return value


def _plain(note: object) -> str:
    """Return the beginning of a text, without what databases refuse."""
    return str(note)[:200].replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
