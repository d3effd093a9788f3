"""kill -9 of a whole worker, as when its machine dies: nobody is left to say so, another worker has to find out."""

import signal

from tests.app.slow_tasks import hold, hold_in_steps
from tests.process.slow_jobs import database_now

LEASE = 2.0


def test_another_worker_finishes_its_jobs(start_on, enqueue, backend_alias):
    victim = start_on(backend_alias, "--name", "victim", concurrency=2)
    jobs = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_steps)]
    for job in jobs:
        job.wait_started()
    start_on(backend_alias, "--name", "rescuer", concurrency=2).wait_started()

    killed_at = database_now()
    victim.signal_group(signal.SIGKILL)
    for job in jobs:
        attempt = job.wait_attempt_ended()
        assert (attempt.ended_at - killed_at).total_seconds() <= LEASE + 3
        assert (attempt.outcome, attempt.exception_class) == ("lost", "jobqueue.errors.WorkerLost")
        assert attempt.worker_id.startswith("victim-")

    for job in jobs:
        job.wait_started(2)
        job.let_go()
        job.check_done(runs=2)
        row = job.row
        assert row.worker_id.startswith("rescuer-")
        assert (row.attempt, row.crashes, row.failures) == (2, 1, 0)
