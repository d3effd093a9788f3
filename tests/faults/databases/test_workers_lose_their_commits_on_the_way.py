"""Workers behind a network that cuts COMMITs before, behind and in flight, or cuts everything. S1, S3, S8, L1."""

import os
import random
import time

import pytest
from django.db import connection

from tests.app import database_fault_tasks as tasks
from tests.app import fault_tasks
from tests.proxy import Proxy, Then

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="A file has no connection that could break.")

# PostgreSQL settles a batch in one statement, without a COMMIT.
COMMITS = rb"COMMIT|unnest"


@pytest.fixture
def network():
    with Proxy(os.environ["DATABASE_URL"]) as proxy:
        yield proxy


def some_jobs(world):
    for task in (fault_tasks.write, tasks.step_twice, tasks.raise_first, fault_tasks.value):
        world.enqueue_many(task, 5)


@pytest.mark.parametrize("listens", [True, False], ids=["settled by executors", "settled in batches"])
def test_commits_are_cut(world_on, network, listens):
    world, chance = world_on("default"), random.Random(seed := int(os.environ.get("JOBQUEUE_SEED", "4")))
    print(f"JOBQUEUE_SEED={seed}")
    worker = world.start(listens=listens, env={"DATABASE_URL": network.url})
    worker.wait_started(60)
    for then in [Then.CUT_BEFORE, Then.CUT_BEHIND, Then.IN_FLIGHT] * 2:
        trap = network.trap(COMMITS, then, nth=chance.randint(1, 6))
        some_jobs(world)
        trap.wait(60)
        if then is Then.IN_FLIGHT:
            time.sleep(0.5)  # It is late: whoever sent it asks meanwhile what became of it.
            trap.let_go()
    world.assert_all_right()
    assert worker.poll() is None


def test_everything_is_cut_and_nobody_is_let_in_for_longer_than_a_lease(world, network):
    worker = world.start(env={"DATABASE_URL": network.url})
    worker.wait_started(60)
    held = [world.enqueue(task) for task in (fault_tasks.hold, fault_tasks.hold_in_steps)]
    for job_id in held:
        world.wait_said("start", job_id)
    some_jobs(world)
    network.refuse()
    assert network.cut() > 0
    time.sleep(3)  # A lease is two seconds.
    network.accept()
    world.assert_all_right()
    assert worker.poll() is None
