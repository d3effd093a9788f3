"""Where the writes of a body happen: a function for each value of ``effects``.

Each runs a body, which returns its value as JSON, and answers with that value and whether the job is settled: if not,
the value is all that is left to store. Each raises what the body raises, Refused when the database says that the
job is another's, and BrokenTransaction.
"""

from __future__ import annotations

from collections.abc import Callable

from ... import lifecycle
from ...errors import BrokenTransaction
from .abroad import run_abroad
from .connections import is_open
from .fenced import block
from .job import RunningJob
from .readonly import read_only

Body = Callable[[], str | None]
Settled = tuple[str | None, bool]


def atomic(job: RunningJob, body: Body) -> Settled:
    """Body, fence and result are one transaction. A body that asked the database nothing leaves nothing to commit."""
    connection, fence = job.connection, job.fence
    if job.writes_to != connection.alias:
        return _atomic_abroad(job, body)

    def committed() -> bool:
        return lifecycle.decided(connection, fence)

    with connection.execute_wrapper(job.guard), block(connection, job.guard, committed=committed) as transaction:
        value = body()
        untouched = transaction.untouched()
        if not untouched:
            transaction.fence(lambda: lifecycle.succeed(connection, fence, value))
    return value, not untouched


def _atomic_abroad(job: RunningJob, body: Body) -> Settled:
    """Body, fence and value are one transaction on another database; the result follows on that of the jobs."""

    def reads_here() -> str | None:
        with job.connection.execute_wrapper(job.guard), read_only(job.connection):
            return _closed(job, body())

    return run_abroad(job, job.writes_to, "", reads_here), False


def steps(job: RunningJob, body: Body) -> Settled:
    """The body runs outside any transaction, in a session that refuses to write; once() writes."""
    with job.connection.execute_wrapper(job.guard), read_only(job.connection):
        return _closed(job, body()), False


def unfenced(job: RunningJob, body: Body) -> Settled:
    """The body writes as it likes, as in other queues."""
    return _closed(job, body()), False


def _closed(job: RunningJob, value: str | None) -> str | None:
    """Return the value of a body that has ended every transaction that it began."""
    if is_open(job.connection):
        raise BrokenTransaction(
            "The body left a transaction open, so what it wrote there is not committed: use "
            "`with transaction.atomic():`, which ends it in any case."
        )
    return value


EFFECTS: dict[str, Callable[[RunningJob, Body], Settled]] = {"atomic": atomic, "steps": steps, "unfenced": unfenced}
