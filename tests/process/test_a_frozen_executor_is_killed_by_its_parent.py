"""A process that is stopped while its worker lives would keep its job for ever: the worker ends it."""

import os
import signal

from tests.app.slow_tasks import hold, hold_in_steps
from tests.process.pids import living
from tests.process.slow_jobs import database_now
from tests.waiting import wait_until

LEASE = 2.0


def test_its_job_is_renewed_no_more_and_runs_again_once_it_is_dead(start_on, enqueue, backend_alias):
    worker = start_on(backend_alias, concurrency=2)
    jobs = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_steps)]
    frozen = {job: job.wait_started().pid for job in jobs}
    start_on(backend_alias, concurrency=2).wait_started()
    for job in jobs:
        wait_until(lambda job=job: job.renewals() >= 1)

    stopped_at = database_now()
    renewals = {job: job.renewals() for job in jobs}
    for pid in frozen.values():
        os.kill(pid, signal.SIGSTOP)
    for job, pid in frozen.items():
        attempt = job.wait_attempt_ended()
        assert LEASE <= (attempt.ended_at - stopped_at).total_seconds() <= LEASE + 3
        assert (attempt.outcome, attempt.exception_class) == ("crashed", "jobqueue.errors.JobCrashed")
        assert "SIGSTOP" in attempt.traceback
        # That a process is stopped is seen within a renewal or two, of which a lease period has three.
        assert attempt.renewals <= renewals[job] + 2
        assert not living({pid})

    for job in jobs:
        job.wait_started(2)
        job.let_go()
        job.check_done(runs=2)
        assert (job.row.attempt, job.row.crashes, job.row.failures) == (2, 1, 0)
    assert worker.poll() is None
