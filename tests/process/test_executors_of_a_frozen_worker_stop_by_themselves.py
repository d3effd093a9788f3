"""A worker that is frozen alone renews nothing and stops nobody, while its executors go on: they stop by themselves.

Nothing would be written twice in any case; but a job must not be in the middle of its work in two places.
"""

import os
import signal

import pytest

from tests.app.slow_tasks import hold, hold_in_steps
from tests.process.pids import living
from tests.waiting import wait_until


@pytest.mark.parametrize("task", [hold, hold_in_steps])
def test_before_another_worker_runs_their_jobs(start_on, enqueue, backend_alias, task):
    victim = start_on(backend_alias, "--name", "victim")
    job = enqueue(task, backend=backend_alias)
    first = job.wait_started()
    start_on(backend_alias, "--name", "rescuer").wait_started()
    wait_until(lambda: job.renewals() >= 1)

    os.kill(victim.pid, signal.SIGSTOP)
    wait_until(lambda: not living({first.pid}), 10)
    assert len(job.starts) == 1
    job.wait_started(2)
    job.let_go()
    job.check_done(runs=2)
    assert job.row.worker_id.startswith("rescuer-")

    os.kill(victim.pid, signal.SIGCONT)
    other = enqueue(task, backend=backend_alias)
    other.let_go()
    other.check_done(runs=1)
    assert victim.poll() is None
