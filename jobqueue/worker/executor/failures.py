"""What an error in a body means: which outcome, what is kept of it, and when the next attempt may start."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from django.tasks import TaskResult

from ...errors import ArgumentsChanged, DeliveryInDoubt, InvalidResult, InvalidRow, Retry, TimeLimitExceeded
from ...lifecycle import Failure
from ...models import Outcome
from ...secrets import Secrets
from ...spans import seconds_of
from ...task import JobTask
from ..backoff import default_backoff

logger = logging.getLogger("jobqueue.worker")

_MOST_TRACEBACK = 64 * 1024
_WORKER = str(Path(__file__).parent)


def failure_of(
    error: BaseException,
    task: JobTask,
    *,
    failures: int,
    max_attempts: int,
    result: Callable[[], TaskResult],
    secrets: Secrets,
) -> Failure:
    """Return the end of an attempt that raised. `failures` counts this one; `result()` is for the task's backoff."""
    outcome, retry_in = Outcome.RAISED, None
    if isinstance(error, InvalidResult | InvalidRow | ArgumentsChanged):
        outcome = Outcome.INVALID  # It would be no different the next time.
    elif isinstance(error, DeliveryInDoubt):
        outcome = Outcome.IN_DOUBT
    else:
        if isinstance(error, TimeLimitExceeded):
            outcome = Outcome.TIMED_OUT
        if failures < max_attempts and (isinstance(error, Retry) or task.retries_on(type(error))):
            retry_in = _delay(error, task, failures, result)
    kind = type(error)
    return Failure(outcome, f"{kind.__module__}.{kind.__qualname__}", _format(error, secrets), retry_in)


def _delay(error: BaseException, task: JobTask, failures: int, result: Callable[[], TaskResult]) -> float | None:
    if isinstance(error, Retry) and error.after is not None:
        return error.after
    if task.backoff is None:
        return default_backoff(failures)
    try:
        delay = seconds_of(task.backoff(error, result()))
        return None if delay is None else max(0.0, float(delay))
    except BaseException:  # As in a body, sys.exit() is no reason for this process to end.
        logger.exception("backoff of %s failed; using the default delay.", task.module_path)
        return default_backoff(failures)


def _format(error: BaseException, secrets: Secrets) -> str:
    try:
        text = "".join(traceback.format_exception(type(error), error, _below_the_worker(error.__traceback__)))
    except BaseException as trouble:  # What a body raises may be odd in every way.
        text = f"Its traceback could not be told: {type(trouble).__name__}."
    text = secrets.out_of(text)
    if len(text) > _MOST_TRACEBACK:
        text = f"… {len(text) - _MOST_TRACEBACK:,} characters left out …\n{text[-_MOST_TRACEBACK:]}"
    return text


def _below_the_worker(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback that begins with the first frame that is not ours; all of it when none is."""
    below = trace
    while below is not None and below.tb_frame.f_code.co_filename.startswith(_WORKER):
        below = below.tb_next
    return below or trace
