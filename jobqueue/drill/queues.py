"""The two queues that can be drilled, as the drill sees them: start a worker, add a job, ask what became of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Set
from typing import Protocol, override
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.tasks import TaskResultStatus

from ..models import Attempt, Job, Outcome, Worker
from . import naive, record, tasks
from .house import backend

TASKS = {"atomic": tasks.count, "steps": tasks.count_in_steps}


class Queue(Protocol):
    """A queue. `patience` is for how many seconds to wait for what it should do by itself."""

    patience: float

    def command(self, concurrency: int, *flags: str) -> list[str]:
        """Return the arguments for Python that start a worker for so many jobs at a time."""

    def is_up(self, pid: int) -> bool:
        """Return whether the worker of that pid is ready to run jobs."""

    def add(self, counter: str, effects: str, seconds: float, *, trouble: str = "", key: str | None = None) -> None:
        """Enqueue a job that adds to a counter; the trouble it gets into, and a key, are for jobqueue alone."""

    def is_over(self, counter: str, dead: Set[int]) -> bool:
        """Return whether a job has ended, and every run of it but for those in dead processes."""

    def renewals(self, counter: str) -> int:
        """Return how often the leases of a job were renewed, in all its attempts."""

    def refused(self, counter: str) -> int:
        """Return how many late writes of a job the database refused."""

    def has_lease(self, counter: str) -> bool:
        """Return whether Redis knows that a job is being run."""

    def error(self, counter: str) -> str:
        """Return the traceback of what a job raised last, "" when it raised nothing."""


class JobQueue(Queue):
    """jobqueue."""

    def __init__(self, lease_seconds: float) -> None:
        self.patience = 5 * lease_seconds + 10
        self._ids: dict[str, set[UUID]] = defaultdict(set)

    @override
    def command(self, concurrency: int, *flags: str) -> list[str]:
        return ["-m", "django", "runworkers", "--concurrency", str(concurrency), "--no-reload", *flags]

    @override
    def is_up(self, pid: int) -> bool:
        worker = Worker.objects.filter(pid=pid).first()
        return worker is not None and len(worker.executors) == worker.concurrency

    @override
    def add(self, counter: str, effects: str, seconds: float, *, trouble: str = "", key: str | None = None) -> None:
        result = TASKS[effects].using(idempotency_key=key).enqueue(counter, seconds, trouble)
        self._ids[counter].add(UUID(result.id))

    @override
    def is_over(self, counter: str, dead: Set[int]) -> bool:
        return not self._jobs(counter).filter(status__in=(TaskResultStatus.READY, TaskResultStatus.RUNNING)).exists()

    @override
    def renewals(self, counter: str) -> int:
        return self._sum(counter, "renewals")

    @override
    def refused(self, counter: str) -> int:
        return self._sum(counter, "refused_writes")

    @override
    def has_lease(self, counter: str) -> bool:
        leases = backend().leases()
        return leases is not None and bool(leases.read(list(self._ids[counter])))

    @override
    def error(self, counter: str) -> str:
        raised = Attempt.objects.filter(job_id__in=self._ids[counter], outcome=Outcome.RAISED).last()
        return raised.traceback if raised else ""

    def _jobs(self, counter: str) -> QuerySet[Job]:
        return Job.objects.filter(pk__in=self._ids[counter])

    def _sum(self, counter: str, column: str) -> int:
        attempts = Attempt.objects.filter(job_id__in=self._ids[counter])
        return attempts.aggregate(sum=Sum(column))["sum"] or 0


class NaiveQueue(Queue):
    """A list, and locks that expire. Nothing is renewed, nothing is refused, and a lock that is lost stays lost."""

    def __init__(self, lease_seconds: float) -> None:
        self.patience = 4 * lease_seconds + 6
        self._store = naive.store()

    @override
    def command(self, concurrency: int, *flags: str) -> list[str]:
        return ["-m", "jobqueue.drill", "--naive-worker", str(concurrency)]

    @override
    def is_up(self, pid: int) -> bool:
        return any(event.pid == pid for event in record.events("up"))

    @override
    def add(self, counter: str, effects: str, seconds: float, *, trouble: str = "", key: str | None = None) -> None:
        self._store.add(json.dumps({"counter": counter, "effects": effects, "seconds": seconds}))

    @override
    def is_over(self, counter: str, dead: Set[int]) -> bool:
        ended = {event.pid for event in record.events("end", counter)} | dead
        running = any(event.pid not in ended for event in record.events("start", counter))
        return not running and all(json.loads(call)["counter"] != counter for call in self._store.waiting())

    @override
    def renewals(self, counter: str) -> int:
        return 0

    @override
    def refused(self, counter: str) -> int:
        return 0

    @override
    def has_lease(self, counter: str) -> bool:
        return False

    @override
    def error(self, counter: str) -> str:
        return ""
