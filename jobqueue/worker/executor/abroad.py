"""The fence on another database than the jobs': what is written there is committed once, and by the owner of the job.

Two databases have no transaction in common. So three things are done in order, once all that was to be written is. In
the transaction on the other database the effects are *entered* in its ledger, under the name of the step, and so can be
committed once; and the job's *post* there, an entry of its own, is taken by this claim, which is refused if a later
claim has had it, or if steps are missing of which this one knows. Then the job's row is held, in a transaction on its
own database, if it names our token: nobody takes the job away until that ends. Then the first transaction is committed.
The second has nothing to commit.

What dies in between leaves an entry or does not. If it does, the next attempt gets its value and does not write again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress

from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ... import ledger, lifecycle, sessions
from ...errors import LeaseLost
from .connections import abandon
from .fenced import Refused, block
from .guard import Guard
from .job import RunningJob

Work = Callable[[], str | None]
logger = logging.getLogger("jobqueue.worker")


def run_abroad(job: RunningJob, alias: str, name: str, work: Work) -> str | None:
    """Return what ``work()`` returns (JSON), having committed what it wrote on that alias; or what it returned before.

    A body has no name. One that asked that database nothing has nothing to commit, and may run again.
    """
    there = connections[alias]
    ledger.require(there)
    done = ledger.step(job.id, name, connection=there)
    if done is not None:
        return None if done.value is None else json.dumps(done.value)
    guard = Guard(there)

    def committed() -> bool:
        entry = ledger.step_once_decided(there, job.id, name)
        if entry is not None and entry.fingerprint != job.fence.token.hex:
            raise Refused(f"Another owner of job {job.id} did this meanwhile.")
        return entry is not None

    with ExitStack() as held, there.execute_wrapper(guard):
        with block(there, guard, committed=committed) as block_:
            value = work()
            if name or not block_.untouched():
                block_.fence(lambda: _fence(job, there, name, value, held))
                job.abroad[alias] = job.abroad.get(alias, 0) + 1
        _let_go(held, job.connection)
    return value


def _fence(job: RunningJob, there: BaseDatabaseWrapper, name: str, value: str | None, held: ExitStack) -> bool:
    try:
        ledger.record_step(job.fence, name, value, connection=there)
    except LeaseLost as lost:
        raise Refused(str(lost)) from lost
    if not ledger.take_post(there, job.fence, steps=job.abroad.get(there.alias, 0)):
        return False
    sessions.commit_soon(there)
    held.enter_context(job.writing_here())
    return held.enter_context(lifecycle.held(job.connection, job.fence))


def _let_go(held: ExitStack, here: BaseDatabaseWrapper) -> None:
    """End the transaction that holds the job's row; how it ends does not matter, for what counts is committed."""
    try:
        held.close()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("The row of a job could not be let go (%s): its connection is closed.", str(error).strip())
        with suppress(Exception):
            abandon(here)


def aliases_of(job: RunningJob, others: Collection[str]) -> Collection[str]:
    """Return to which of the other databases a body may write freely, or in the transaction that fences it."""
    if job.effects == "unfenced":
        return others
    return {*job.unfenced, job.writes_to} if job.effects == "atomic" else job.unfenced
