"""An impostor in place of Redis: no worker dies of it, grows or believes it; each job is run once, or again in time."""

import collections
import random
import signal
import subprocess

import pytest

from jobqueue.leases import leases_of, wake_of
from tests.app import fault_tasks
from tests.false_redis import FalseRedis
from tests.faults.redis.fleet import RESCUE
from tests.nonsense import NONSENSE, TROUBLE

KINDS = len(NONSENSE) + len(TROUBLE)
# Bytes that a worker may have grown by when it has heard megabytes of it again and again.
GROWTH = 64 << 20


def memory(worker):
    """Return what a worker's own process takes, in bytes."""
    return 1024 * int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(worker.pid)]))


@pytest.fixture
def impostor(settings):
    """Give a port that answers every request with another kind of nonsense, by a fixed seed."""
    chance, kinds = random.Random(4), [*NONSENSE, *TROUBLE]
    told = set()

    def answer(request):
        kind = chance.choice(kinds)
        told.add(kind)
        return NONSENSE[kind]() if kind in NONSENSE else f"-{kind}\r\n".encode()

    with FalseRedis(answer) as server:
        server.told = told
        cache = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": server.url}
        settings.CACHES = {**settings.CACHES, "default": cache}
        leases_of.cache_clear()
        wake_of.cache_clear()
        yield server
    leases_of.cache_clear()
    wake_of.cache_clear()


def do_some(world):
    """Have new jobs of each kind done."""
    tasks = (fault_tasks.write, fault_tasks.write_in_steps, fault_tasks.value)
    world.wait_ended([job_id for task in tasks for job_id in world.enqueue_many(task, 3)], seconds=30)


def test_jobs_are_done_and_those_of_a_dead_worker_rescued(impostor, world_on):
    world, env = world_on("default"), {"REDIS_URL": impostor.url}
    workers = [world.start(concurrency=3, listens=listens, env=env) for listens in (True, False)]
    for worker in workers:
        worker.wait_started(60)
    held = [world.enqueue(task) for task in (fault_tasks.hold, fault_tasks.hold_in_steps)]
    for job_id in held:
        world.wait_said("start", job_id)
    before = [memory(worker) for worker in workers]

    do_some(world)
    while len(impostor.told) < 0.8 * KINDS:
        do_some(world)

    assert [worker.poll() for worker in workers] == [None, None]
    assert [memory(worker) < was + GROWTH for worker, was in zip(workers, before, strict=True)] == [True, True]
    dead = next(worker for worker in workers if world.row(held[0]).worker_id in worker.output)
    theirs = [job_id for job_id in held if world.row(job_id).worker_id in dead.output]
    dead.signal_group(signal.SIGKILL)
    for job_id in theirs:
        world.wait_said("start", job_id, times=2, seconds=RESCUE)
    world.assert_all_right()
    runs = collections.Counter(line.job_id for line in world.said("start"))
    assert runs == {job_id: 1 + (job_id in theirs) for job_id in world.enqueued}
