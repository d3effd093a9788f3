"""The way of one job through an executor: resolve, announce, run, settle or record the failure, report."""

from __future__ import annotations

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

from ... import lifecycle, logs, results, signals
from ...backend import JobQueueBackend
from ...current import running
from ...database import connection
from ...errors import HandBack, InvalidRow, LeaseLost, UnknownTask
from ...lifecycle import Claim
from ...payload import dump_result, load_arguments
from ...points import reached
from ...task import JobTask, find
from ..messages import Ended, How, Logged, Progress
from ..trust import Trust
from .abroad import aliases_of
from .arguments import change_of
from .connections import heal, probe, renounce
from .deliver import refuse_undecided
from .effects import EFFECTS
from .failures import failure_of
from .fenced import NoRoom, Refused, persistently
from .forks import end_here_if_forked
from .interrupts import Interrupts
from .job import RunningJob
from .others import Others
from .running_loop import RunningLoop

logger = logging.getLogger("jobqueue.worker")
_is_coroutine = cache(iscoroutinefunction)


def _given_back(job: RunningJob, given: HandBack) -> How:
    if isinstance(given, NoRoom):
        logger.warning("Job %s (%s) is handed back. %s", job.id, job.task.module_path, given)
        return How.NO_ROOM
    logger.info("Job %s (%s) gives up its turn. %s", job.id, job.task.module_path, given)
    return How.HANDED_BACK


class Performer:
    """Performs the jobs of one backend in this process."""

    def __init__(
        self,
        backend_alias: str,
        worker_id: str,
        *,
        trust: Trust,
        interrupts: Interrupts,
        tell: Callable[[Progress | Logged], None],
        stopping: Callable[[], bool] = lambda: False,
        loop: RunningLoop | None = None,
    ) -> None:
        backend = task_backends[backend_alias]
        assert isinstance(backend, JobQueueBackend)
        self._sender = type(backend)
        self._options = backend.settings
        self._worker_id = worker_id
        self._trust = trust
        self._interrupts = interrupts
        self._tell = tell
        self._stopping = stopping
        self._loop = loop
        self._connection = connection()
        self._others = Others(self._connection)
        self._last_end = time.monotonic()
        self._again = self._refused = False
        self._under_way: tuple[int, RunningJob] | None = None
        self._start_awaited = signals.start_is_awaited(self._sender)
        self._finish_awaited = signals.finish_is_awaited(self._sender)

    def perform(self, claim: Claim, serial: int = 0) -> Ended:
        """Run a job to its end and say how it, which has this number here, ended; raises nothing."""
        reached("run.before")
        began = time.monotonic()
        probe(idle=began - self._last_end)
        try:
            task = find(claim.task_path)
        except UnknownTask as unknown:
            logger.warning("Job %s is handed back: %s", claim.job_id, unknown)
            return Ended(How.UNKNOWN, None, 0.0, serial)
        job = RunningJob(
            claim,
            task,
            options=self._options,
            connection=self._connection,
            trust=self._trust,
            tell=self._tell,
            stopping=self._stopping,
        )
        self._again = self._refused = False
        self._under_way = serial, job
        token = logs.about.set(job)
        try:
            how, value = self._run(job)
        finally:
            logs.about.reset(token)
        self._under_way = None
        # Whoever waits for what this job has locked waits no longer than for this.
        self._heal()
        self._last_end = time.monotonic()
        log = job.logged.text() if job.logged is not None else ""
        return Ended(how, value, self._last_end - began, serial, self._again, self._refused, log)

    def tell_log(self) -> None:
        """Tell what the job that is under way has logged, if that is more than was told; called by another thread."""
        if (under_way := self._under_way) is None:
            return
        serial, job = under_way
        if (book := job.logged) is not None and (count := book.count) > book.told:
            book.told = count
            self._tell(Logged(serial, book.text()))

    def _run(self, job: RunningJob) -> tuple[How, str | None]:
        try:
            # What asks the database for more than the body does comes before the body's transaction.
            self._announce_start(job)
            args, kwargs = self._arguments(job)
            if others := self._others.all():
                self._others.let_write(aliases_of(job, others))
            value, settled = EFFECTS[job.effects](job, lambda: self._body(job, args, kwargs))
            if not settled and (self._finish_awaited or job.steps_committed):
                # Whoever listens is told here, once it is true; so it must become true here. And only here is it known
                # how many steps there have to be.
                settled = self._succeed(job, value)
        except Refused as refused:
            self._refused = True
            self._count_refused(job, refused)
            return How.LOST, None
        except LeaseLost as lost:
            logger.warning("Job %s stopped: %s", job.id, lost)
            return How.LOST, None
        except HandBack as given:
            return _given_back(job, given), None
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
        args, kwargs = load_arguments(job.claim.arguments, job.id)
        if job.task.takes_context:
            args.insert(0, TaskContext(task_result=self._result(job)))
        return args, kwargs

    def _body(self, job: RunningJob, args: list[Any], kwargs: dict[str, Any]) -> str | None:
        """Call the task; the one place in the package that does."""
        token = running.set(job)
        try:
            with self._interrupts.allowed(job.id, is_coroutine=_is_coroutine(job.task.func)):
                try:
                    value = self._call(job.task, args, kwargs)
                    refuse_undecided(job)
                finally:
                    end_here_if_forked()
        except TypeError as error:
            if (changed := change_of(error, job.task, args, kwargs)) is not None:
                raise changed from error
            raise
        finally:
            running.reset(token)
        return dump_result(value, limit=self._options.max_result_bytes)

    def _call(self, task: JobTask, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if not _is_coroutine(task.func):
            return task.func(*args, **kwargs)

        async def body() -> Any:
            return await self._interrupts.cancellable(task.func(*args, **kwargs))

        if self._loop is not None:
            return self._loop.run_body(body)
        # Django's way: what the coroutine does through the ORM runs in this thread, so inside this transaction.
        return async_to_sync(body)()

    def _result(self, job: RunningJob) -> TaskResult:
        return persistently(self._connection, lambda: results.of_claim(job.task, job.claim, self._worker_id))

    def _succeed(self, job: RunningJob, value: str | None) -> bool:
        def settle() -> bool:
            # Said again when the connection broke before the answer came.
            return lifecycle.succeed(
                self._connection, job.fence, value, steps=job.steps_committed
            ) or lifecycle.decided(self._connection, job.fence)

        if not persistently(self._connection, settle):
            raise Refused("The database refused the result of this job: it is no longer this worker's.")
        return True

    def _heal(self) -> None:
        if self._interrupts.struck:
            renounce()
        else:
            heal()

    def _fail(self, job: RunningJob, error: BaseException) -> How:
        self._heal()
        reached("fail.before")
        failure = failure_of(
            error,
            job.task,
            failures=job.claim.failures + 1,
            max_attempts=job.task.max_attempts or self._options.max_attempts,
            result=lambda: persistently(self._connection, lambda: results.get(str(job.id))),
            secrets=job.secrets,
        )
        status = persistently(self._connection, lambda: lifecycle.fail(job.fence, failure))
        reached("fail.after")
        if status is None:
            return How.LOST
        if status == TaskResultStatus.FAILED:
            self._announce_finish(job.claim, status, error)
        else:
            self._again = True
            logger.info("Job %s (%s) raised and will be tried again.", job.id, job.task.module_path, exc_info=error)
        return How.FAILED

    def _count_refused(self, job: RunningJob, refused: Refused) -> None:
        logger.warning("Job %s: %s", job.id, refused)
        self._heal()
        persistently(self._connection, lambda: lifecycle.count_refused(job.fence, worker_id=self._worker_id))

    def _announce_finish(self, claim: Claim, status: TaskResultStatus, error: BaseException | None = None) -> None:
        if self._finish_awaited:
            with suppress(TaskResultDoesNotExist):  # It was pruned meanwhile.
                try:
                    result = persistently(self._connection, lambda: results.get(str(claim.job_id)))
                except InvalidRow as why:
                    logger.warning("Nobody is told that job %s is %s: %s", claim.job_id, status, why)
                else:
                    signals.finished(self._sender, result)
        else:
            signals.log_finished(claim.job_id, claim.task_path, status, error)
