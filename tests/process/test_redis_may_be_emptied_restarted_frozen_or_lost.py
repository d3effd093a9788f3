"""Redis speeds things up; nothing that must hold depends on it."""

import time

import pytest

from jobqueue.leases import LeasesUnavailable
from tests.app.slow_tasks import hold, hold_in_steps
from tests.process.slow_jobs import leases
from tests.redis_server import OwnRedis
from tests.waiting import wait_until

LEASE = 2.0


def restart(redis):
    redis.kill()
    redis.start()


def nothing(redis):
    """It is back already."""


def held(job_ids):
    try:
        return set(leases("default").read(job_ids))
    except LeasesUnavailable:
        return set()


@pytest.mark.parametrize(
    ("strike", "heal"),
    [
        pytest.param(OwnRedis.flush, nothing, id="emptied"),
        pytest.param(restart, nothing, id="restarted"),
        pytest.param(OwnRedis.pause, OwnRedis.resume, id="frozen"),
        pytest.param(OwnRedis.kill, OwnRedis.start, id="lost"),
    ],
)
def test_running_jobs_go_on_and_run_once_while_new_ones_start(redis, start_on, enqueue, strike, heal):
    env = {"REDIS_URL": redis.url}
    workers = [start_on("default", "--name", "owner", concurrency=2, env=env)]
    jobs = [enqueue(task, backend="default") for task in (hold, hold_in_steps)]
    for job in jobs:
        job.wait_started()
    workers.append(start_on("default", "--name", "rival", concurrency=2, env=env))
    workers[1].wait_started()
    ids = [job.id for job in jobs]
    wait_until(lambda: held(ids) == set(ids))

    strike(redis)
    struck = time.monotonic()
    new = enqueue(hold, 0, backend="default")
    new.check_done(runs=1)
    # By then every lease of before has lapsed, and whoever went by Redis alone would have taken the jobs.
    time.sleep(max(0.0, struck + 3 * LEASE - time.monotonic()))
    heal(redis)
    wait_until(lambda: held(ids) == set(ids))

    for job in jobs:
        job.let_go()
        job.check_done(runs=1)
        assert (job.row.attempt, job.row.crashes, job.row.failures) == (1, 0, 0)
        assert job.row.worker_id.startswith("owner-")
    wait_until(lambda: not held(ids))
    assert [worker.poll() for worker in workers] == [None, None]
