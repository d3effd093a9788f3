"""kill -9 of the processes that run jobs; their worker sees them die, so nobody waits for a lease to lapse."""

import os
import signal

from tests.app.slow_tasks import hold, hold_in_steps
from tests.process.slow_jobs import database_now
from tests.waiting import wait_until

SECONDS = 1.0


def test_its_job_is_charged_with_the_crash_and_runs_again(start_on, enqueue, backend_alias):
    worker = start_on(backend_alias, concurrency=2)
    jobs = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_steps)]
    victims = [job.wait_started().pid for job in jobs]

    killed_at = database_now()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    for job in jobs:
        attempt = job.wait_attempt_ended()
        assert (attempt.ended_at - killed_at).total_seconds() <= SECONDS
        assert (attempt.outcome, attempt.exception_class) == ("crashed", "jobqueue.errors.JobCrashed")
        assert "killed by signal 9" in attempt.traceback
        assert job.row.status in ("READY", "RUNNING")

    for job in jobs:
        assert job.wait_started(2).pid not in victims
        job.let_go()
        job.check_done(runs=2)
        row = job.row
        assert (row.attempt, row.crashes, row.failures) == (2, 1, 0)
    assert worker.poll() is None


def test_the_jobs_of_its_colleagues_are_not_disturbed(start_on, enqueue, backend_alias):
    start_on(backend_alias, concurrency=2)
    struck, spared = (enqueue(hold, backend=backend_alias) for _ in range(2))
    spared.wait_started()
    os.kill(struck.wait_started().pid, signal.SIGKILL)
    struck.wait_started(2)
    for job in (struck, spared):
        job.let_go()
    struck.check_done(runs=2)
    spared.check_done(runs=1)
    wait_until(lambda: spared.row.crashes == 0)
