"""The database server is killed under load and recovers, or is set back to an older state. S1, S3, S4, S5, S8, L1."""

import pytest
from django.db import connection, connections

from jobqueue import lifecycle
from jobqueue.models import Job
from tests import rows
from tests.app import fault_tasks
from tests.app.models import Entry
from tests.faults.databases.callers import Callers
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(connection.vendor == "sqlite", reason="A file has no server that could die.")


def done(world):
    """Return how many jobs are known to be done."""
    return len(world.said("heard-SUCCESSFUL"))


def wait_for_more(world, number=10):
    before = done(world)
    wait_until(lambda: done(world) >= before + number, 60)


@pytest.mark.parametrize(("backend", "times"), [("default", 2), ("plain", 1)])
def test_it_is_killed_under_load(server, world_on, backend, times):
    world = world_on(backend)
    for _ in range(2):
        world.start().wait_started()
    with Callers(world, 2) as callers:
        wait_for_more(world)
        for _ in range(times):
            server.kill()
            connections.close_all()
            # Callers meet it dead.
            callers.wait_errors(6, 30)
            server.start()
            wait_for_more(world)
    world.assert_all_right()
    assert all(worker.poll() is None for worker in world.workers)


def test_a_claim_that_never_reached_the_disk_is_made_again_under_another_token(server):
    """Workers claim without waiting for PostgreSQL's disk. A claim that the crash took is as if it had never been."""
    for _ in range(5):
        job_id = rows.enqueue()
        (lost,) = rows.claim("before")
        server.kill()
        server.start()
        connections.close_all()
        if rows.job(job_id).status == "READY":
            break
        assert rows.job(job_id).token == lost.token
    # MariaDB waits for its disk.
    assert (rows.job(job_id).status == "READY") == (connection.vendor == "postgresql")
    if connection.vendor == "mysql":
        assert lifecycle.release([lost.fence], started=False) == 1

    (claim,) = rows.claim("after")
    assert (claim.job_id, claim.attempt == lost.attempt) == (job_id, connection.vendor == "postgresql")
    assert claim.token != lost.token
    assert not lifecycle.succeed(connection, lost.fence, None)
    assert not lifecycle.hold(connection, lost.fence, steps=0)
    assert lifecycle.settle(connection, [(lost.fence, None)]) == set()
    assert lifecycle.fail(lost.fence, rows.FAILED_FOR_GOOD) is None
    assert lifecycle.succeed(connection, claim.fence, None)


def test_after_a_failover_to_an_older_state_old_claims_are_void(server, world_on):
    world = world_on("default")
    kept = world.enqueue(fault_tasks.hold_in_steps)
    # Nobody listens: what is true before the failover is not true behind it.
    world.start(concurrency=3, listens=False)
    world.wait_said("start", kept)
    wait_until(lambda: Entry.objects.filter(job=str(kept)).exists())
    waiting = world.enqueue(fault_tasks.hold)
    world.wait_said("start", waiting)
    server.kill()
    server.keep_copy()
    server.start()
    connections.close_all()
    before = {job_id: world.row(job_id).token for job_id in (kept, waiting)}

    # All of this will not have been.
    forgotten = [world.enqueue(fault_tasks.hold), *world.enqueue_many(fault_tasks.write, 5)]
    world.wait_said("start", forgotten[0])
    world.let_go(kept)
    world.wait_ended([kept, *forgotten[1:]])
    server.kill()
    server.put_copy_back()
    server.start()
    connections.close_all()
    assert set(Job.objects.values_list("pk", flat=True)) == {kept, waiting}
    for job_id in forgotten:
        del world.enqueued[job_id]

    # What still runs of it is told, or refused.
    world.assert_all_right()
    assert world.row(kept).token != before[kept]
