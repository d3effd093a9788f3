"""The way of one job through an executor: resolve, announce, run, settle or record the failure, report."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from inspect import iscoroutinefunction
from typing import Any

from asgiref.sync import async_to_sync
from django.tasks import TaskContext, TaskResult, TaskResultStatus, task_backends
from django.tasks.exceptions import TaskResultDoesNotExist

from ... import lifecycle, results, signals
from ...backend import JobQueueBackend
from ...current import running
from ...database import connection
from ...errors import LeaseLost, UnknownTask
from ...lifecycle import Claim
from ...payload import dump_result
from ...task import JobTask, find
from ..messages import Ended, How, Progress
from ..trust import Trust
from .connections import heal, probe
from .effects import EFFECTS
from .failures import failure_of
from .fenced import Refused, persistently
from .interrupts import Interrupts
from .job import RunningJob

logger = logging.getLogger("jobqueue.worker")
_is_coroutine = cache(iscoroutinefunction)


class Performer:
    """Performs the jobs of one backend in this process."""

    def __init__(
        self,
        backend_alias: str,
        worker_id: str,
        *,
        trust: Trust,
        interrupts: Interrupts,
        tell: Callable[[Progress], None],
    ) -> None:
        backend = task_backends[backend_alias]
        assert isinstance(backend, JobQueueBackend)
        self._sender = type(backend)
        self._options = backend.settings
        self._worker_id = worker_id
        self._trust = trust
        self._interrupts = interrupts
        self._tell = tell
        self._connection = connection()
        self._last_end = time.monotonic()
        self._start_awaited = signals.start_is_awaited(self._sender)
        self._finish_awaited = signals.finish_is_awaited(self._sender)

    def perform(self, claim: Claim) -> Ended:
        """Run a job to its end and say how it ended; raises nothing."""
        began = time.monotonic()
        probe(idle=began - self._last_end)
        try:
            task = find(claim.task_path)
        except UnknownTask as unknown:
            logger.warning("Job %s is handed back: %s", claim.job_id, unknown)
            return Ended(How.UNKNOWN, None, 0.0)
        how, value = self._run(
            RunningJob(
                claim, task, options=self._options, connection=self._connection, trust=self._trust, tell=self._tell
            )
        )
        # Whoever waits for what this job has locked waits no longer than for this.
        heal()
        self._last_end = time.monotonic()
        return Ended(how, value, self._last_end - began)

    def _run(self, job: RunningJob) -> tuple[How, str | None]:
        try:
            # What asks the database for more than the body does comes before the body's transaction.
            self._announce_start(job)
            args, kwargs = self._arguments(job)
            value, settled = EFFECTS[job.effects](job, lambda: self._body(job, args, kwargs))
            if not settled and self._finish_awaited:
                # Whoever listens is told here, once it is true; so it must become true here.
                settled = self._succeed(job, value)
        except Refused as refused:
            self._count_refused(job, refused)
            return How.LOST, None
        except LeaseLost as lost:
            logger.warning("Job %s stopped: %s", job.id, lost)
            return How.LOST, None
        except BaseException as error:
            return self._fail(job, error), None
        if not settled:
            return How.VALUE, value
        self._announce_finish(job.claim, TaskResultStatus.SUCCESSFUL)
        return How.SETTLED, None

    def _announce_start(self, job: RunningJob) -> None:
        if self._start_awaited:
            signals.started(self._sender, self._result(job))
        else:
            signals.log_started(job.id, job.claim.task_path)

    def _arguments(self, job: RunningJob) -> tuple[list[Any], dict[str, Any]]:
        arguments = json.loads(job.claim.arguments)
        args = list[Any](arguments["args"])
        if job.task.takes_context:
            args.insert(0, TaskContext(task_result=self._result(job)))
        return args, arguments["kwargs"]

    def _body(self, job: RunningJob, args: list[Any], kwargs: dict[str, Any]) -> str | None:
        """Call the task; the one place in the package that does."""
        token = running.set(job)
        try:
            with self._interrupts.allowed(job.id, is_coroutine=_is_coroutine(job.task.func)):
                value = self._call(job.task, args, kwargs)
        finally:
            running.reset(token)
        return dump_result(value, limit=self._options.max_result_bytes)

    def _call(self, task: JobTask, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if not _is_coroutine(task.func):
            return task.func(*args, **kwargs)

        async def body() -> Any:
            return await self._interrupts.cancellable(task.func(*args, **kwargs))

        # Django's way: what the coroutine does through the ORM runs in this thread, so inside this transaction.
        return async_to_sync(body)()

    def _result(self, job: RunningJob) -> TaskResult:
        return persistently(self._connection, lambda: results.of_claim(job.task, job.claim, self._worker_id))

    def _succeed(self, job: RunningJob, value: str | None) -> bool:
        def settle() -> bool:
            return job.id in lifecycle.settle(self._connection, [(job.fence, value)])

        if not persistently(self._connection, settle):
            raise Refused("The database refused the result of this job: it is no longer this worker's.")
        return True

    def _fail(self, job: RunningJob, error: BaseException) -> How:
        heal()
        failure = failure_of(
            error,
            job.task,
            failures=job.claim.failures + 1,
            max_attempts=job.task.max_attempts or self._options.max_attempts,
            result=lambda: results.get(str(job.id)),
        )
        status = persistently(self._connection, lambda: lifecycle.fail(job.fence, failure))
        if status is None:
            return How.LOST
        if status == TaskResultStatus.FAILED:
            self._announce_finish(job.claim, status, error)
        else:
            logger.info("Job %s (%s) raised and will be tried again.", job.id, job.task.module_path, exc_info=error)
        return How.FAILED

    def _count_refused(self, job: RunningJob, refused: Refused) -> None:
        logger.warning("Job %s: %s", job.id, refused)
        persistently(self._connection, lambda: lifecycle.count_refused(job.fence, worker_id=self._worker_id))

    def _announce_finish(self, claim: Claim, status: TaskResultStatus, error: BaseException | None = None) -> None:
        if self._finish_awaited:
            with suppress(TaskResultDoesNotExist):  # It was pruned meanwhile.
                result = persistently(self._connection, lambda: results.get(str(claim.job_id)))
                signals.finished(self._sender, result)
        else:
            signals.log_finished(claim.job_id, claim.task_path, status, error)
