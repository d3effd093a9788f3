"""deliver(): an effect outside the database, between two short fenced transactions: the intent, and the receipt.

No transaction spans both sides, so a crash between them leaves an intent without a receipt. Whoever finds one asks
``lookup``, or stops: what is in doubt is repeated only by somebody's word.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from inspect import iscoroutine
from typing import Any

from ... import deliveries, ledger
from ...errors import DeliveryInDoubt, InvalidResult, LeaseLost, NotDelivered
from ...payload import dump_result
from ...points import reached
from .fenced import Refused
from .job import RunningJob
from .steps import refuse_misuse, transact

logger = logging.getLogger("jobqueue.worker")

Lookup = Callable[[str], Any]


def deliver(
    job: RunningJob,
    step: str,
    fn: Callable[[], Any],
    *,
    lookup: Lookup | None,
    not_done: tuple[type[BaseException], ...],
) -> Any:
    """Do it, or return the receipt of an attempt that did; see jobqueue.deliver()."""
    _refuse_misuse(job, step, lookup, not_done)
    job.ensure_held()
    found = ledger.entry(ledger.delivery_scope(job.id), step)
    if found is not None:
        known = deliveries.read(found)
        if known.is_done:
            job.steps_done.add(step)
            return known.receipt
        job.undecided[step] = lookup is not None
        if lookup is None:
            raise DeliveryInDoubt(_in_doubt(job, step, f"attempt {found.attempt} did not come to say so"))
        if (receipt := lookup(job.idempotency_key(step))) is not None:
            return _receive(job, step, receipt)
    _enter(job, step, deliveries.OPEN[lookup is not None])
    reached("deliver.before-call")
    value = _call(job, step, fn, lookup, not_done)
    reached("deliver.after-call")
    return _receive(job, step, value)


def refuse_undecided(job: RunningJob) -> None:
    """Raise when the body is about to end well although it does not know what came of what it delivers."""
    for step, has_lookup in job.undecided.items():
        if not has_lookup:
            raise DeliveryInDoubt(_in_doubt(job, step, "the body swallowed the error that said so"))
        raise RuntimeError(
            f"The body swallowed an error of deliver({step!r}, …), so nobody knows whether it was delivered: let "
            "the error through, and the next attempt asks lookup; or name it in not_done=(…) if it says that."
        )


def _call(
    job: RunningJob, step: str, fn: Callable[[], Any], lookup: Lookup | None, not_done: tuple[type[BaseException], ...]
) -> Any:
    job.undecided[step] = lookup is not None
    try:
        job.ensure_held()  # Who froze behind the intent is not the first to call any more: it is in doubt already.
        value = fn()
    except LeaseLost:
        raise
    except BaseException as error:
        if isinstance(error, (NotDelivered, *not_done)):
            _withdraw(job, step)
            raise
        if lookup is not None:
            raise
        raise DeliveryInDoubt(_in_doubt(job, step, f"it raised {type(error).__name__}")) from error
    if iscoroutine(value):
        value.close()
        _withdraw(job, step)
        raise TypeError(f"deliver({step!r}, …) was given a coroutine, which it does not await: give it a function.")
    return value


def _enter(job: RunningJob, step: str, value: Any) -> None:
    transact(job, lambda: ledger.put(job.fence, ledger.delivery_scope(job.id), step, value))


def _withdraw(job: RunningJob, step: str) -> None:
    transact(job, lambda: ledger.remove(ledger.delivery_scope(job.id), step))
    del job.undecided[step]


def _receive(job: RunningJob, step: str, value: Any) -> Any:
    """Enter the receipt, and return it as the next attempt would see it."""
    text, unstorable = None, None
    try:
        text = dump_result(value, limit=job.max_result_bytes, who=f"deliver({step!r}, …) was answered with")
    except InvalidResult as error:
        unstorable = error  # It was done all the same.
    receipt = None if text is None else json.loads(text)
    try:
        _enter(job, step, deliveries.receipt_of(receipt))
    except Refused:
        logger.warning("Job %s has delivered %r, and is no longer ours: its next attempt is in doubt.", job.id, step)
        raise
    job.undecided.pop(step, None)
    job.steps_done.add(step)
    if unstorable is not None:
        raise unstorable
    return receipt


def _in_doubt(job: RunningJob, step: str, why: str) -> str:
    return (
        f"Whether {step!r} was delivered is not known: {why}. Ask the other side for {job.idempotency_key(step)!r}, "
        f"then decide: in the admin, or by `manage.py jobs decide {job.id}` with --done or --again. (With lookup=… a "
        "job asks by itself.)"
    )


def _refuse_misuse(
    job: RunningJob, step: str, lookup: Lookup | None, not_done: tuple[type[BaseException], ...]
) -> None:
    if job.effects == "atomic":
        raise RuntimeError(
            f'deliver({step!r}, …) in a job with effects="atomic": its body is one transaction, so the intent could '
            'not be committed before the call. Use effects="steps", and once() for what is written.'
        )
    refuse_misuse(job, step, "deliver")
    if lookup is not None and not callable(lookup):
        raise TypeError(f"lookup must be callable: lookup(idempotency_key) -> receipt or None, not {lookup!r}.")
    if not (
        isinstance(not_done, tuple) and all(isinstance(c, type) and issubclass(c, BaseException) for c in not_done)
    ):
        raise TypeError(f"not_done must be a tuple of classes of exceptions, as in (OSError,), not {not_done!r}.")
