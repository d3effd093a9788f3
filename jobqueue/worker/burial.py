"""What becomes of the jobs of an executor that has died: one was running, others had ended or not begun."""

from __future__ import annotations

import logging

from ..conf import Options
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
        """Have the job that it ran charged or handed back, and the others handed on."""
        running = executor.board.running()
        claim = executor.outstanding.pop(running, None)
        holding = self._held(claim)
        if holding is not None:
            self._end(executor, holding, describe_exit(exit_code))
        ended = [serial for serial in executor.outstanding if serial < running or not running]
        for serial in ended:
            # It had ended and could not say so: if it settled itself, this changes nothing.
            holding = self._held(executor.outstanding.pop(serial))
            if holding is not None:
                self._settler.hand_back(holding)
        self._feed.take_back(executor, list(executor.outstanding))

    def _held(self, claim: Claim | None) -> Holding | None:
        holding = self._holdings.get(claim.job_id) if claim is not None else None
        return holding if holding is not None and holding.claim is claim else None

    def _end(self, executor: Executor, holding: Holding, how: str) -> None:
        claim, doom = holding.claim, executor.doom
        if doom is not None and doom.outcome in (Outcome.RELEASED, Outcome.LOST):
            self._settler.hand_back(holding, started=True)
        elif doom is not None and doom.outcome == Outcome.TIMED_OUT:
            self._settler.failed(holding, self._timed_out(claim, doom.text))
        else:
            text = doom.text if doom is not None else f"The process that ran the job {how}."
            logger.error("Job %s (%s) crashed: %s", claim.job_id, claim.task_path, text)
            again = claim.crashes + 1 < self._options.max_crashes
            self._settler.crashed(
                holding, Failure(Outcome.CRASHED, "jobqueue.errors.JobCrashed", text, 0.0 if again else None)
            )

    def _timed_out(self, claim: Claim, text: str) -> Failure:
        failures = claim.failures + 1
        again = failures < (find(claim.task_path).max_attempts or self._options.max_attempts)
        return Failure(
            Outcome.TIMED_OUT,
            "jobqueue.errors.TimeLimitExceeded",
            text,
            default_backoff(failures) if again else None,
        )
