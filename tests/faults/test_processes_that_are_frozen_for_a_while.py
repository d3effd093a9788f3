"""Parts of a worker are stopped and continued: its parent alone, its children alone, for longer than a lease or not."""

import os
import signal
import time

import pytest

from tests.app import fault_tasks
from tests.process.pids import descendants

LEASE = 2.0


@pytest.mark.parametrize("seconds", [LEASE / 3, 2 * LEASE], ids=["shorter than a lease", "longer than a lease"])
@pytest.mark.parametrize("who", ["the parent", "the children"])
def test_what_they_did_or_do_counts_once(world_on, who, seconds):
    world = world_on("default")
    worker = world.start("--name", "frozen", grace=5)
    jobs = [world.enqueue(task) for task in (fault_tasks.hold, fault_tasks.hold_in_steps)]
    for job_id in jobs:
        world.wait_said("start", job_id)
    world.start("--name", "other").wait_started()

    pids = [worker.pid] if who == "the parent" else sorted(descendants(worker.pid))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    # Its bodies come to their end meanwhile, those that can.
    world.let_go(jobs[0])
    time.sleep(seconds)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            continue  # Its worker has killed it.
    world.enqueue_many(fault_tasks.write, 5)
    world.assert_all_right()
    if seconds < LEASE:
        assert {len(world.said("start", job_id)) for job_id in jobs} == {1}
        assert {world.row(job_id).crashes for job_id in jobs} == {0}
