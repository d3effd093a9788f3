"""Everything below a worker can be killed, one by one or as it starts, and in the middle of what it reports."""

import contextlib
import os
import random
import signal
import time

from tests.app import fault_tasks
from tests.process.pids import descendants, living
from tests.waiting import wait_until


def kill(pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_one_by_one(world_on):
    """Executors, the fork server, and the tracker of resources that multiprocessing keeps."""
    world = world_on("plain")
    worker = world.start()
    world.enqueue(fault_tasks.write)
    world.wait_ended()
    helpers = descendants(worker.pid)
    assert len(helpers) >= 4
    for pid in sorted(helpers):
        kill([pid])
        wait_until(lambda pid=pid: not living({pid}))
        world.enqueue_many(fault_tasks.write, 3)
        world.wait_ended()
    world.assert_all_right()
    assert worker.poll() is None
    assert {world.row(job_id).crashes for job_id in world.enqueued} == {0}


def test_as_they_start(world_on):
    world = world_on("plain")
    worker = world.start()
    worker.wait_started()
    killed = set()

    def kill_some_more():
        found = descendants(worker.pid)
        kill(found)
        killed.update(found)
        return len(killed) >= 8

    wait_until(kill_some_more, 30, every=0.0)
    world.enqueue_many(fault_tasks.write, 3)
    world.assert_all_right()
    assert worker.poll() is None


def test_while_they_report_many_jobs_at_once(world):
    """Some have ended and not been told, one runs, others wait behind it: each is done, and one at most is charged."""
    chance = random.Random(1)
    jobs = world.enqueue_many(fault_tasks.value, 400)
    worker = world.start(listens=False)
    kills = 0
    for number in range(3):
        pid = world.wait_said("start", times=1 + 100 * number).pid
        time.sleep(chance.uniform(0.0, 0.02))
        kill([pid])
        kills += 1
    world.assert_all_right()
    assert sum(world.row(job_id).crashes for job_id in jobs) <= kills
    assert worker.poll() is None
