"""Time limits and cancelling, with real workers: the body is told, then its process is killed."""

import pytest
from django.db import connection
from django.tasks import TaskResultStatus

from jobqueue import lifecycle, results
from jobqueue.models import Attempt, Job
from tests.app import effect_tasks
from tests.app.models import Entry
from tests.app.record import notes, open_gate
from tests.waiting import wait_until

SOON = 30.0


class Watched:
    """A job and the file in which it notes what happens to it."""

    def __init__(self, task, directory, *arguments, backend="default"):
        self.file = str(directory / f"{task.name}-{len(list(directory.iterdir()))}")
        open(self.file, "w").close()
        self.id = task.using(backend=backend).enqueue(self.file, *arguments).id

    @property
    def row(self):
        return Job.objects.get(pk=self.id)

    def said(self, what):
        return notes(self.file, what)

    def wait_said(self, what):
        return wait_until(lambda: self.said(what), SOON)

    def wait_status(self, status):
        return wait_until(lambda: self.row if self.row.status == status else None, SOON)


@pytest.fixture
def enqueue(tmp_path, transactional_db):
    """Give `enqueue(task, *arguments, backend=…)`."""
    directory = tmp_path / "notes"
    directory.mkdir()
    return lambda task, *arguments, **how: Watched(task, directory, *arguments, **how)


def test_one_that_takes_too_long_is_told_and_then_killed(start_worker, enqueue):
    start_worker("--concurrency", "1", "--no-reload")
    listens = enqueue(effect_tasks.listens)
    row = listens.wait_status(TaskResultStatus.FAILED)
    assert (row.outcome, row.failures, row.crashes) == ("timed_out", 1, 0)
    assert len(listens.said("told")) == 1
    (error,) = results.get(listens.id).errors
    assert error.exception_class_path == "jobqueue.errors.TimeLimitExceeded"
    assert "time.sleep(FOREVER)" in error.traceback

    deaf = enqueue(effect_tasks.does_not_listen)
    row = deaf.wait_status(TaskResultStatus.FAILED)
    assert (row.outcome, row.failures, row.crashes) == ("timed_out", 1, 0)
    assert len(deaf.said("swallowed")) == 1
    (error,) = results.get(deaf.id).errors
    assert error.exception_class_path == "jobqueue.errors.TimeLimitExceeded"
    assert "did not stop when it was told" in error.traceback

    # The first executor ran on, the second was replaced; the worker is the same.
    after = effect_tasks.pid.enqueue()
    wait_until(lambda: Job.objects.get(pk=after.id).status == "SUCCESSFUL", SOON)
    after.refresh()
    assert listens.said("start")[0].pid == deaf.said("start")[0].pid != after.return_value
    assert not Entry.objects.exists()


def test_one_that_is_cancelled_is_told_and_lands_no_write(start_worker, enqueue):
    start_worker("--concurrency", "2", "--no-reload")
    # Nobody can cancel anything while a body has SQLite locked.
    writes = connection.vendor != "sqlite"
    listens = enqueue(effect_tasks.until_cancelled, writes, False)
    stubborn = enqueue(effect_tasks.until_cancelled, writes, True)
    worker_id = wait_until(lambda: listens.said("start") and stubborn.said("start") and listens.row.worker_id, SOON)

    assert lifecycle.cancel(listens.row.pk, by="somebody") == worker_id
    assert lifecycle.cancel(stubborn.row.pk) == worker_id
    listens.wait_said("told")
    stubborn.wait_said("told")

    # Whoever does not listen is killed, and the next job has another process.
    wait_until(lambda: not _living(stubborn.said("start")[0].pid), SOON)
    after = [effect_tasks.pid.enqueue() for _ in range(4)]
    ids = [result.id for result in after]
    wait_until(lambda: Job.objects.filter(pk__in=ids, status="SUCCESSFUL").count() == len(ids), SOON)

    for job in (listens, stubborn):
        assert (job.row.status, job.row.outcome) == ("FAILED", "cancelled")
        (error,) = results.get(job.id).errors
        assert error.exception_class_path == "jobqueue.errors.JobCancelled"
        assert Attempt.objects.get(job_id=job.id).outcome == "cancelled"
    assert not Entry.objects.exists()


def _living(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_comes_after_the_commit_may_take_its_time(start_worker, enqueue):
    """Longer than a lease, and than all that a worker waits for a body that is no longer the owner."""
    start_worker("--concurrency", "1", "--no-reload")
    job = enqueue(effect_tasks.hook, 3.0)
    job.wait_said("hook")
    assert job.row.status == "SUCCESSFUL"
    job.wait_said("done")
    assert (job.row.crashes, Entry.objects.count()) == (0, 1)


def test_progress_is_there_for_others_to_see_while_the_body_runs(start_worker, enqueue):
    start_worker("--concurrency", "1", "--no-reload")
    job = enqueue(effect_tasks.report)
    attempt = wait_until(lambda: Attempt.objects.filter(job_id=job.id, progress__isnull=False).first(), SOON)
    assert attempt.progress == {"done": 3, "total": 10, "note": "rows read"}
    assert (attempt.pid, attempt.worker_id) == (job.wait_said("start")[0].pid, job.row.worker_id)
    assert job.row.status == "RUNNING"
    open_gate(job.file)
    job.wait_status("SUCCESSFUL")
    wait_until(lambda: Attempt.objects.get(job_id=job.id).outcome == "ok")
