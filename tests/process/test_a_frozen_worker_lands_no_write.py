"""A worker is stopped for longer than its lease, another does its jobs, and then it wakes up in the middle of its own.

No check before a write can help it: it may be frozen right behind the check. Only the database can refuse. What ends
such executors as they wake up is switched off here, for it mostly comes first.
"""

import os
import signal

import pytest

from tests.app.slow_tasks import hold, hold_in_a_step, hold_in_steps
from tests.waiting import wait_until


@pytest.mark.parametrize("rival", ["is done", "still runs"])
def test_what_its_bodies_write_when_they_wake_up_is_refused(start_on, enqueue, backend_alias, rival):
    frozen = start_on(backend_alias, "--name", "frozen", concurrency=3, env={"JOBQUEUE_TEST_WITHOUT_CONSCIENCE": "1"})
    writers = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_a_step)]
    between_steps = enqueue(hold_in_steps, backend=backend_alias)
    jobs = [*writers, between_steps]
    late = {job: job.wait_started().pid for job in jobs}
    wait_until(lambda: writers[1].said("wait") and between_steps.said("write"))
    awake = start_on(backend_alias, "--name", "awake", concurrency=3)
    awake.wait_started()

    frozen.signal_group(signal.SIGSTOP)
    again = {job: job.wait_started(2).pid for job in jobs}
    if rival == "is done":
        for job in jobs:
            job.let_go()
            job.check_done(runs=2)

    # The worker itself sleeps on: awake, it would stop its executors before they could write.
    written = {job: len(job.said("write")) for job in jobs}
    for job, pid in late.items():
        job.let_go(pid)
        os.kill(pid, signal.SIGCONT)
    for job in writers:
        attempt = wait_until(lambda job=job: next((a for a in job.attempts if a.refused_writes), None))
        assert (attempt.number, attempt.refused_writes) == (1, 1)
        assert attempt.worker_id.startswith("frozen-")
        assert [write.pid for write in job.said("write")[written[job] :]] == [late[job]]
    # This one has a check before it, which knows without asking.
    frozen.wait_output(f"Job {between_steps.id} stopped: ")
    assert len(between_steps.said("write")) == written[between_steps]

    for job, pid in again.items():
        job.let_go(pid)
        job.check_done(runs=2)
        assert job.row.worker_id.startswith("awake-")
        assert (job.row.crashes, job.row.failures) == (1, 0)

    frozen.signal_group(signal.SIGCONT)
    awake.terminate()
    awake.wait(30)
    next_job = enqueue(hold, 0, backend=backend_alias)
    next_job.check_done(runs=1)
    assert next_job.row.worker_id.startswith("frozen-")
    for job in jobs:
        job.check_done(runs=2)
