"""once(): a step of a job is a short fenced transaction with a ledger entry of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.db import transaction

from ... import ledger, lifecycle
from ...errors import LeaseLost
from ...payload import dump_result
from .fenced import Refused, block
from .job import RunningJob
from .readonly import writable

Step = Callable[[], Any]


def once(job: RunningJob, name: str, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a step, or return the stored value of the one that an earlier attempt ran; see jobqueue.once()."""
    _refuse_misuse(job, name)
    job.ensure_held()
    done = ledger.step(job.id, name)
    if done is not None:
        job.steps_done.add(name)
        return done.value

    def step() -> str | None:
        text = dump_result(fn(*args, **kwargs), limit=job.max_result_bytes)
        try:
            ledger.record_step(job.fence, name, text)
        except LeaseLost as lost:
            # As much the database's word as the fence's, so counted as that is.
            raise Refused(str(lost)) from lost
        return text

    text = _RUN[job.effects](job, name, step)
    job.steps_done.add(name)
    # As the next attempt would see it.
    return None if text is None else json.loads(text)


def _refuse_misuse(job: RunningJob, name: str) -> None:
    if not isinstance(name, str) or not 0 < len(name) <= 255 or "\0" in name:
        raise ValueError(f"The name of a step is a text of 1 to 255 characters without NUL, not {name!r}.")
    if name in job.steps_done:
        raise ValueError(
            f"The step {name!r} was done in this attempt already: each step of a job needs a name of its own, "
            "so put what differs into the name."
        )
    if job.in_step:
        raise RuntimeError(f"once({name!r}, …) was called inside another step: call one after the other.")
    if job.effects != "atomic" and job.connection.in_atomic_block:
        raise RuntimeError(
            f"once({name!r}, …) was called inside transaction.atomic(): a step is a transaction of its own, so call it "
            "outside."
        )


def _in_body(job: RunningJob, _name: str, step: Step) -> str | None:
    """In ``effects="atomic"`` a step is a part of the body's own transaction."""
    with job.stepping(), transaction.atomic(using=job.connection.alias):
        text: str | None = step()
        return text


def _in_writable(job: RunningJob, name: str, step: Step) -> str | None:
    with writable(job.connection):
        return _fenced(job, name, step)


def _guarded(job: RunningJob, name: str, step: Step) -> str | None:
    with job.connection.execute_wrapper(job.guard):
        return _fenced(job, name, step)


def _fenced(job: RunningJob, name: str, step: Step) -> str | None:
    connection, fence = job.connection, job.fence

    def committed() -> bool:
        with transaction.atomic(using=connection.alias):
            # Waits for the transaction of unknown outcome, which has this row locked.
            if not lifecycle.hold(connection, fence):
                raise Refused("The database refused a step of this job: it is no longer this worker's.")
            entry = ledger.step(job.id, name)
            return entry is not None and entry.attempt == fence.attempt

    with job.stepping(), block(connection, job.guard, committed=committed) as block_:
        text: str | None = step()
        block_.fence(lambda: lifecycle.hold(connection, fence))
    return text


_RUN: dict[str, Callable[[RunningJob, str, Step], str | None]] = {
    "atomic": _in_body,
    "steps": _in_writable,
    "unfenced": _guarded,
}
