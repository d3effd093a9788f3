"""What becomes of the jobs of an executor that has died: some were running, others had ended or not begun.

Who made the worker kill it is charged alone. When nobody knows whose fault it was, all that ran are charged, none for
good, and each runs alone the next time: then it is known. (See docs/decisions/0014.)
"""

from __future__ import annotations

import logging

from ..conf import Options
from ..errors import TimeLimitExceeded
from ..lifecycle import Claim, Failure
from ..models import Outcome
from ..task import find
from .backoff import default_backoff
from .crew import Executor, describe_exit
from .feed import Feed
from .holdings import Holding, Holdings
from .settler import Settler

logger = logging.getLogger("jobqueue.worker")


class Burial:
    """Settles what dead executors leave behind."""

    def __init__(self, holdings: Holdings, settler: Settler, feed: Feed, options: Options) -> None:
        self._holdings = holdings
        self._settler = settler
        self._feed = feed
        self._options = options

    def of(self, executor: Executor, exit_code: int | None) -> None:
        """Have the jobs that it ran charged or handed back, and the others handed on."""
        ran = [serial for board in executor.boards if (serial := board.running())]
        found = [self._held(executor.take(serial)) for serial in ran]
        holdings = [holding for holding in found if holding is not None]
        if holdings:
            self._settler.gone(executor.pid, seats=len(executor.boards))
        shared = len(ran) > 1 and not (executor.doom is not None and executor.doom.serial)
        for holding in holdings:
            self._end(executor, holding, describe_exit(exit_code), shared=shared)
        # Those of one seat begin in their order; with several it is not known who had begun.
        running = max(ran, default=0)
        ended = [s for s in executor.outstanding if s < running or not running or len(executor.boards) > 1]
        for serial in ended:
            # It had ended and could not say so: if it settled itself, this changes nothing.
            if (left := self._held(executor.take(serial))) is not None:
                self._settler.hand_back(left)
        self._feed.take_back(executor, list(executor.outstanding))

    def _held(self, claim: Claim | None) -> Holding | None:
        holding = self._holdings.get(claim.job_id) if claim is not None else None
        return holding if holding is not None and holding.claim is claim else None

    def _end(self, executor: Executor, holding: Holding, how: str, *, shared: bool = False) -> None:
        claim, doom = holding.claim, executor.doom
        is_innocent = doom is not None and doom.serial not in (0, holding.serial)
        if doom is not None and (is_innocent or doom.outcome in (Outcome.RELEASED, Outcome.LOST)):
            self._settler.hand_back(holding, started=True)
        elif doom is not None and doom.outcome == Outcome.TIMED_OUT:
            failure = self._timed_out(claim, doom.text)
            self._holdings.books.failed(claim, for_good=failure.retry_in is None)
            self._settler.failed(holding, failure)
        else:
            text = doom.text if doom is not None else f"The process that ran the job {how}."
            logger.error("Job %s (%s) crashed: %s", claim.job_id, claim.task_path, text)
            again = claim.crashes + 1 < self._options.max_crashes or shared
            self._holdings.books.crashed(claim, for_good=not again)
            self._settler.crashed(
                holding, Failure(Outcome.CRASHED, "jobqueue.errors.JobCrashed", text, 0.0 if again else None)
            )

    def _timed_out(self, claim: Claim, text: str) -> Failure:
        failures, task = claim.failures + 1, find(claim.task_path)
        again = failures < (task.max_attempts or self._options.max_attempts) and task.retries_on(TimeLimitExceeded)
        return Failure(
            Outcome.TIMED_OUT,
            "jobqueue.errors.TimeLimitExceeded",
            text,
            default_backoff(failures) if again else None,
        )
