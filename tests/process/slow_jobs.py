"""A job that a test holds in the middle, seen from outside: its row, its counter, and what its bodies noted."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection
from django.tasks import TaskResultStatus, task_backends

from jobqueue import results
from jobqueue.database import moment, now_sql
from jobqueue.leases import Leases, leases_of
from jobqueue.models import Attempt, Job
from tests.app import abroad_tasks, slow_tasks, unique_tasks
from tests.app.models import Counter
from tests.app.record import Note, notes, open_gate
from tests.waiting import wait_until

# How much each of these adds to its counter when its effects happen once.
WORTH = {
    slow_tasks.hold: 1,
    slow_tasks.hold_in_steps: 2,
    slow_tasks.hold_in_a_step: 2,
    slow_tasks.hold_the_gil: 1,
    abroad_tasks.hold_there: 1,
    abroad_tasks.hold_in_a_step_there: 2,
    abroad_tasks.hold_there_as_coroutine: 1,
    abroad_tasks.hold_in_a_step_there_as_coroutine: 2,
    slow_tasks.lose_the_connection: 1,
    unique_tasks.hold_alone: 1,
    unique_tasks.hold_waiting: 1,
    slow_tasks.lose_the_connection_in_a_step: 2,
}


def database_now() -> datetime:
    """Return the time by the database's clock, which every moment in its rows is told by."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {now_sql(connection)}", [])
        now = moment(connection, cursor.fetchone()[0])
    assert now is not None
    return now


def leases(backend: str) -> Leases | None:
    """Return the leases of a backend, None when it needs no Redis."""
    return leases_of(task_backends[backend].settings)  # type: ignore[attr-defined]


class SlowJob:
    """A job of one of the slow tasks. It takes the seconds it is given, or until it is let go."""

    def __init__(self, task: Any, file: Path, *arguments: Any, backend: str) -> None:
        self.task = task
        self.backend = backend
        self.file = str(file)
        self.counter = Counter.objects.create(name=file.name)
        result = task.using(backend=backend).enqueue(self.counter.pk, self.file, *arguments)
        self.id = Job.objects.get(pk=result.id).pk

    def __repr__(self) -> str:
        return f"<{self.task.name} {self.id}>"

    @property
    def row(self) -> Job:
        """The row as it is now."""
        return Job.objects.get(pk=self.id)

    @property
    def attempts(self) -> list[Attempt]:
        """What is on record of the attempts, in order."""
        return list(Attempt.objects.filter(job_id=self.id).order_by("number"))

    @property
    def starts(self) -> list[Note]:
        """The runs that were started, whatever became of them."""
        return notes(self.file, "start")

    def said(self, what: str) -> list[Note]:
        """Return the notes of that word."""
        return notes(self.file, what)

    def let_go(self, pid: int | None = None) -> None:
        """Let the bodies of this job go on, now and in every later run; or the one in that process alone."""
        open_gate(self.file, pid)

    def renewals(self) -> int:
        """Return how often the running attempt was renewed: live as its lease tells, or as it is on record."""
        if (live := leases(self.backend)) is not None:
            lease = live.read([self.id]).get(self.id)
            return lease.renewals if lease else 0
        return self.attempts[-1].renewals if self.attempts else 0

    def wait_started(self, times: int = 1, seconds: float = 20.0) -> Note:
        """Wait until the body has been started so many times and return the last start."""
        wait_until(lambda: len(self.starts) >= times, seconds)
        return self.starts[times - 1]

    def wait_status(self, *statuses: TaskResultStatus, seconds: float = 20.0) -> Job:
        """Wait until the job is in one of these statuses, and return its row."""
        return wait_until(lambda: row if (row := self.row).status in statuses else None, seconds)

    def wait_attempt_ended(self, number: int = 0, seconds: float = 20.0) -> Attempt:
        """Wait until it is on record how an attempt ended, counted in their order from 0, and return that."""
        return wait_until(lambda: next((a for a in self.attempts[number:] if a.ended_at), None), seconds)

    def check_done(self, *, runs: int) -> None:
        """Check that the job succeeded, after so many runs, and that what it did happened once."""
        row = self.wait_status(TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED)
        self.counter.refresh_from_db()
        errors = [error.traceback for error in results.get(str(self.id)).errors]
        found = (row.status, self.counter.value, len(self.starts))
        assert found == (TaskResultStatus.SUCCESSFUL, WORTH[self.task], runs), (self, errors, self.starts)
