"""checkpoint() and resumed: what an attempt leaves for the next one to go on from."""

from __future__ import annotations

import json
from typing import Any

from ... import ledger
from ...errors import InvalidRow
from ...payload import dump_result
from ...points import reached
from ...strict import Unreadable
from .job import RunningJob
from .steps import refuse_in_transaction, transact

_KEY = "state"


def checkpoint(job: RunningJob, state: Any) -> None:
    """Keep a state, in a short transaction that the fence ends, or in the one of the step that is under way."""
    if job.effects == "atomic":
        raise RuntimeError(
            'checkpoint() in a job with effects="atomic": its body is one transaction, so what it wrote is undone if '
            'it does not end, and a state that stays would lie. Use effects="steps", and once() for what is written.'
        )
    text = dump_result(state, limit=job.max_result_bytes, who="checkpoint() was given")
    value = None if text is None else json.loads(text)

    def write() -> None:
        ledger.put(job.fence, ledger.checkpoint_scope(job.id), _KEY, value)
        reached("checkpoint.before-fence")

    if job.in_step_abroad:
        raise RuntimeError(
            "checkpoint() in a step on another database than the jobs' would not be in the step's transaction, and "
            "could stay without it: call it after the step."
        )
    if job.in_step:
        write()
        return
    refuse_in_transaction(job, "checkpoint()")
    job.ensure_held()
    transact(job, write)


def resumed(job: RunningJob) -> Any:
    """Return the state of the last checkpoint that was committed, by whichever attempt; None when there is none."""
    found = ledger.entry(ledger.checkpoint_scope(job.id), _KEY)
    if found is None:
        return None
    if isinstance(found.value, Unreadable):
        raise InvalidRow(f"The checkpoint of job {job.id} was not written by jobqueue: {found.value.why}.")
    return found.value
