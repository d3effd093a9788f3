"""What travels between a worker and its executors; plain values, pickled by the pipe of multiprocessing.

To the worker, nothing travels of what a body made but text of JSON, numbers and a note: no class that is not ours.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from ..lifecycle import Claim

# -- to an executor ---------------------------------------------------------------------------


class Run(NamedTuple):
    """Begin these jobs in this order; they are numbered on from the last one.

    `since` is from when on each was certainly claimed, on the monotonic clock.
    """

    claims: list[Claim]
    since: list[float]


class Recall(NamedTuple):
    """Report what has ended and give back what has not begun."""


class Why(Enum):
    """Why a body is interrupted."""

    LEASE_LOST = "lease lost"
    TIMED_OUT = "timed out"


class Interrupt(NamedTuple):
    """Raise an error in the body of this job, if it is still running."""

    job_id: UUID
    why: Why


class Stopping(NamedTuple):
    """The worker was told to stop: say so to bodies that ask."""


class Stop(NamedTuple):
    """End when what was sent before is done."""


# -- from an executor -------------------------------------------------------------------------


class How(Enum):
    """How a job ended in an executor."""

    SETTLED = "settled"  # It succeeded, and the executor wrote that down, mostly in the body's own transaction.
    FAILED = "failed"  # It failed, and the executor wrote that down: it may be due again, now or later.
    VALUE = "value"  # The body left nothing to commit but its value: the worker settles it with others.
    LOST = "lost"  # The job is not ours any more.
    HANDED_BACK = "handed back"  # The body gave up its turn.
    NO_ROOM = "no room"  # The disk of the database was too full for its fence.
    STALE = "stale"  # It was claimed before a gap in trust, and not begun.
    UNKNOWN = "unknown"  # This process has no such task, though its parent had: the code has changed meanwhile.


class Ended(NamedTuple):
    """A job is over as far as its executor goes.

    `value` is JSON; `seconds` is how long it took; `serial` is its number at its executor, from 1 in the order in which
    they were sent. `again` is whether one that failed will be attempted again; `refused`, whether the database refused
    what was written of one that is lost. `log` is the last lines that its body logged.
    """

    how: How
    value: str | None
    seconds: float
    serial: int = 0
    again: bool = False
    refused: bool = False
    log: str = ""

    def __repr__(self) -> str:
        """Say how, and nothing of the value: error reports show the variables of frames."""
        return f"<Ended {self.how.value} after {self.seconds:.3f} s>"


class Report(NamedTuple):
    """What an executor tells: jobs that ended, in that order, and its resident memory in bytes."""

    ended: list[Ended]
    memory: int

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel light: every end of a job is told to another process, and plain tuples are pickled faster."""
        return _reported, ([tuple(end) for end in self.ended], self.memory)


def _reported(ended: list[tuple[Any, ...]], memory: int) -> Report:
    return Report([Ended._make(end) for end in ended], memory)


class Returned(NamedTuple):
    """The answer to Recall: the numbers of the jobs that had not begun and now never will here."""

    serials: list[int]


class Progress(NamedTuple):
    """What the body of a job says of its progress."""

    job_id: UUID
    state: dict[str, object]


class Logged(NamedTuple):
    """The last lines that the body of a job has logged so far; the job is named by its number."""

    serial: int
    lines: str

    def __repr__(self) -> str:
        """Say of which job, and none of the lines."""
        return f"<Logged {self.serial}>"


ToExecutor = Run | Recall | Interrupt | Stopping | Stop
FromExecutor = Report | Returned | Progress | Logged
