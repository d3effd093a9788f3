"""One run of a job, without a worker: claimed by the verb that workers claim with, run as executors run it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from multiprocessing import get_context
from typing import Any
from uuid import UUID

from django.db import connections
from django.tasks import Task, TaskResult

from jobqueue import lifecycle, results
from jobqueue.database import connection
from jobqueue.lifecycle import Claim
from jobqueue.models import Attempt, Job, LedgerEntry
from jobqueue.payload import dump_result
from jobqueue.worker.executor.interrupts import Interrupts
from jobqueue.worker.executor.perform import Performer
from jobqueue.worker.messages import Ended, How
from jobqueue.worker.trust import Trust
from tests.app.models import Entry
from tests.effects.bodies import acted, task_for

WORKER = "stage-1"


class Run:
    """What came of a run."""

    def __init__(self, claim: Claim, ended: Ended) -> None:
        self.claim = claim
        self.id: UUID = claim.job_id
        self.how: How = ended.how
        self._reported = ended.value
        self.log: str = ended.log

    @property
    def value(self) -> str | None:
        """The value of the body as JSON: as it was handed back, or as it was settled; None when it is None."""
        if self.how is not How.SETTLED:
            return self._reported
        result = self.job.result
        return None if result is None else dump_result(result, limit=10**6)

    @property
    def job(self) -> Job:
        """The row as it is now."""
        return Job.objects.get(pk=self.id)

    @property
    def result(self) -> TaskResult:
        """The result as users see it now."""
        return results.get(str(self.id))

    @property
    def attempt(self) -> Attempt:
        """What is on record of this run."""
        return Attempt.objects.get(job_id=self.id, token=self.claim.token)

    @property
    def error(self) -> str:
        """The class of the error that ended this run, without its module."""
        return self.attempt.exception_class.rpartition(".")[2]

    @property
    def message(self) -> str:
        """The last line of its traceback."""
        return self.attempt.traceback.strip().rpartition("\n")[2]


class Stage:
    """An executor in this very thread, of a worker that is trusted for a minute."""

    def __init__(self, backend: str = "default") -> None:
        self.trust = Trust(get_context("spawn"), lease_seconds=60, margin_seconds=1)
        self.trust.extend(time.monotonic())
        self.told: list[Any] = []
        self.stopping = False
        self.interrupts = Interrupts()
        self.backend = backend
        self.listen()

    def listen(self) -> None:
        """Take account of who listens to signals now, as an executor does when it starts."""
        self._performer = Performer(
            self.backend,
            WORKER,
            trust=self.trust,
            interrupts=self.interrupts,
            tell=self.told.append,
            stopping=lambda: self.stopping,
        )

    def distrust(self) -> None:
        """Let the trust in the worker end now."""
        self.trust._until.value = time.monotonic()

    def enqueue(self, task: Any, *args: Any, **kwargs: Any) -> TaskResult:
        """Enqueue a job."""
        result: TaskResult = task.using(backend=self.backend).enqueue(*args, **kwargs)
        return result

    def claim(self, task: Any, job_id: str | None = None) -> Claim:
        """Claim that job, or the one job of a task that is due."""
        claims = lifecycle.claim(
            connection(), backend=self.backend, queue="default", paths=[task.module_path], worker_id=WORKER, limit=10
        )
        # Jobs that failed before may be due again by now.
        others = [claim for claim in claims if job_id not in (None, str(claim.job_id))]
        lifecycle.release([claim.fence for claim in others], started=False)
        (wanted,) = (claim for claim in claims if claim not in others)
        return wanted

    def run(self, claim: Claim) -> Run:
        """Run a claimed job."""
        return Run(claim, self._performer.perform(claim))

    def tell_log(self) -> None:
        """Tell what the job that runs has logged, as a thread of an executor does once a second."""
        self._performer.tell_log()

    def perform(self, body: Any, *args: Any, effects: str = "atomic", after: Any = ()) -> Run:
        """Run a new job of a task, or of the function that is to be its body, after jobs that have succeeded."""
        task: Any = body if isinstance(body, Task) else task_for(body, effects)
        return self._act(body, self.claim(task, self.enqueue(task.using(after=after), *args).id))

    def again(self, body: Any, *, effects: str = "atomic") -> Run:
        """Run the job of that task that is due again."""
        return self._act(body, self.claim(body if isinstance(body, Task) else task_for(body, effects)))

    def _act(self, body: Any, claim: Claim) -> Run:
        with nullcontext() if isinstance(body, Task) else acted(body):
            return self.run(claim)


def elsewhere[T](deed: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Return what a function returns in a thread, and so on a connection, of its own."""
    answer: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(deed(*args, **kwargs))
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "It still waits."
    if errors:
        raise errors[0]
    return answer[0]


def set_back(job_id: UUID) -> None:
    """Undo all the steps of a claim, as a failover does to a state in which the claim was there and they were not."""
    Entry.objects.all().delete()
    LedgerEntry.objects.filter(job_id=job_id).delete()
    Job.objects.filter(pk=job_id).update(steps=0)


def revoke(job_id: UUID) -> None:
    """Let another claim take the place of the one that a job has, as a rescue and a rival would."""
    job = Job.objects.get(pk=job_id)
    (orphan,) = [o for o in lifecycle.orphans(job.backend) if o.fence.job_id == job_id]
    assert lifecycle.rescue(orphan, max_crashes=3) == "READY"
    (claim,) = lifecycle.claim(
        connection(), backend=job.backend, queue=job.queue, paths=[job.task_path], worker_id="rival", limit=2
    )
    assert claim.job_id == job_id
