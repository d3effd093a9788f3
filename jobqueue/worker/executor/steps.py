"""once(): a step of a job is a short fenced transaction with a ledger entry of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.db import connections, transaction

from ... import ledger, lifecycle
from ...errors import InvalidRow, LeaseLost
from ...models import LedgerEntry
from ...payload import dump_result
from ...points import reached
from ...strict import Unreadable
from .abroad import run_abroad
from .fenced import Refused, block
from .job import RunningJob
from .readonly import writable

Step = Callable[[], Any]


def once(
    job: RunningJob,
    name: str,
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    database: str | None = None,
) -> Any:
    """Run a step, or return the stored value of the one that an earlier attempt ran; see jobqueue.once()."""
    refuse_misuse(job, name, "once")
    job.ensure_held()
    database = database or job.writes_to
    if database != job.connection.alias:
        text = _abroad(job, database, name, lambda: dump_result(fn(*args, **kwargs), limit=job.max_result_bytes))
        job.steps_done.add(name)
        return None if text is None else json.loads(text)
    done = ledger.step(job.id, name)
    if done is not None:
        job.steps_done.add(name)
        return _value_of(done, job)

    reached("step.before")

    def step() -> str | None:
        text = dump_result(fn(*args, **kwargs), limit=job.max_result_bytes)
        reached("step.before-ledger")
        try:
            ledger.record_step(job.fence, name, text)
        except LeaseLost as lost:
            # As much the database's word as the fence's, so counted as that is.
            raise Refused(str(lost)) from lost
        reached("step.after-ledger")
        return text

    text = transact(job, step)
    job.steps_done.add(name)
    # As the next attempt would see it.
    return None if text is None else json.loads(text)


def _abroad(job: RunningJob, database: str, name: str, work: Step) -> str | None:
    """Run a step on another database than the jobs'."""
    there = connections[database]
    if job.effects == "atomic":
        if database != job.writes_to:
            raise RuntimeError(
                f"once_on({database!r}, {name!r}, …) was called in a task whose body is one transaction on "
                f'{job.writes_to!r}: use effects="steps".'
            )
        # There it is but a name for a part of the body, as on the jobs' database.
        with job.stepping(abroad=True), transaction.atomic(using=database):
            text: str | None = work()
            return text
    if there.in_atomic_block:
        raise RuntimeError(
            f"once_on({database!r}, {name!r}, …) was called inside transaction.atomic(): a step is a transaction of "
            "its own, so call it outside."
        )
    with job.stepping(abroad=True), writable(there) if job.effects == "steps" else nullcontext():
        return run_abroad(job, database, name, work)


def _value_of(done: LedgerEntry, job: RunningJob) -> Any:
    if isinstance(done.value, Unreadable):
        raise InvalidRow(
            f"The ledger's value of step {done.key!r} of job {job.id} was not written by jobqueue: {done.value.why}."
        )
    return done.value


def transact(job: RunningJob, step: Step) -> str | None:
    """Run a step in a transaction that the fence ends, as the job's effects have it, and return what it returns."""
    return _RUN[job.effects](job, step)


def refuse_misuse(job: RunningJob, name: str, call: str) -> None:
    """Raise ValueError or RuntimeError when this is no name for a step, or no place to call for one."""
    if not isinstance(name, str) or not 0 < len(name) <= 255 or "\0" in name:
        raise ValueError(f"The name of a step is a text of 1 to 255 characters without NUL, not {name!r}.")
    if name in job.steps_done:
        raise ValueError(
            f"The step {name!r} was done in this attempt already: each step of a job needs a name of its own, "
            "so put what differs into the name."
        )
    if job.in_step:
        raise RuntimeError(f"{call}({name!r}, …) was called inside another step: call one after the other.")
    refuse_in_transaction(job, f"{call}({name!r}, …)")


def refuse_in_transaction(job: RunningJob, call: str) -> None:
    """Raise RuntimeError when the body has a transaction of its own under way, which a step would become a part of."""
    if job.effects != "atomic" and job.connection.in_atomic_block:
        raise RuntimeError(
            f"{call} was called inside transaction.atomic(): a step is a transaction of its own, so call it outside."
        )


def _in_body(job: RunningJob, step: Step) -> str | None:
    """In ``effects="atomic"`` a step is a part of the body's own transaction."""
    with job.stepping(), transaction.atomic(using=job.connection.alias):
        text: str | None = step()
        return text


def _in_writable(job: RunningJob, step: Step) -> str | None:
    with writable(job.connection):
        return _fenced(job, step)


def _guarded(job: RunningJob, step: Step) -> str | None:
    with job.connection.execute_wrapper(job.guard):
        return _fenced(job, step)


def _fenced(job: RunningJob, step: Step) -> str | None:
    connection, fence = job.connection, job.fence

    def committed() -> bool:
        steps = lifecycle.steps_committed(connection, fence)
        if steps is None:
            raise Refused("The database refused a step of this job: it is no longer this worker's.")
        return steps > job.steps_committed

    with job.stepping(), block(connection, job.guard, committed=committed) as block_:
        text: str | None = step()
        block_.fence(lambda: lifecycle.hold(connection, fence, steps=job.steps_committed))
    job.steps_committed += 1
    return text


_RUN: dict[str, Callable[[RunningJob, Step], str | None]] = {
    "atomic": _in_body,
    "steps": _in_writable,
    "unfenced": _guarded,
}
