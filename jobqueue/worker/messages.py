"""What travels between a worker and its executors; plain values, pickled by the pipe of multiprocessing."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple
from uuid import UUID

from ..lifecycle import Claim

# -- to an executor ---------------------------------------------------------------------------


class Run(NamedTuple):
    """Run these jobs in this order; they are numbered on from the last one."""

    claims: list[Claim]


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


class Stop(NamedTuple):
    """End when what was sent before is done."""


# -- from an executor -------------------------------------------------------------------------


class How(Enum):
    """How a job ended in an executor."""

    SETTLED = "settled"  # It succeeded, and the executor wrote that down, mostly in the body's own transaction.
    FAILED = "failed"  # It failed, and the executor wrote that down: it may be due again, now or later.
    VALUE = "value"  # The body left nothing to commit but its value: the worker settles it with others.
    LOST = "lost"  # The job is not ours any more.
    UNKNOWN = "unknown"  # This process has no such task, though its parent had: the code has changed meanwhile.


class Ended(NamedTuple):
    """The next job, in the order in which they were sent, is over as far as its executor goes.

    `value` is JSON; `seconds` is how long it took.
    """

    how: How
    value: str | None
    seconds: float


class Report(NamedTuple):
    """What an executor tells: jobs that ended, in order, and its resident memory in bytes."""

    ended: list[Ended]
    memory: int


class Returned(NamedTuple):
    """The answer to Recall: the numbers of the jobs that had not begun and now never will here."""

    serials: list[int]


class Progress(NamedTuple):
    """What the body of a job says of its progress."""

    job_id: UUID
    state: dict[str, object]


ToExecutor = Run | Recall | Interrupt | Stop
FromExecutor = Report | Returned | Progress
