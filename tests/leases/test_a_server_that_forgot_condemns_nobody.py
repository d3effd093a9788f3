"""The epoch: while the server's memory is younger than a lease, nobody is dead on its word."""

from __future__ import annotations

import time

from jobqueue.fence import Fence
from jobqueue.leases import Leases
from tests.leases.conftest import LEASE, new_fence
from tests.redis_server import OwnRedis
from tests.waiting import wait_until


def believed(leases: Leases) -> bool:
    return leases.witness([new_fence().job_id]) is not None


def test_a_young_memory_is_not_believed_and_an_old_one_is(leases: Leases, fence: Fence) -> None:
    began = time.monotonic()
    assert leases.witness([fence.job_id]) is None
    wait_until(lambda: believed(leases), 5)
    # By the server's clock, which rounds to milliseconds.
    assert time.monotonic() - began >= LEASE - 0.01
    leases.acquire([fence], "w-1")
    assert leases.witness([fence.job_id, new_fence().job_id]) == {fence.job_id}


def test_an_emptied_server_has_to_grow_old_again(leases: Leases, own_redis: OwnRedis) -> None:
    leases.witness([])
    wait_until(lambda: believed(leases), 5)
    own_redis.flush()
    assert not believed(leases)


def test_a_clock_that_went_back_begins_anew(leases: Leases, own_redis: OwnRedis) -> None:
    leases.witness([])
    with own_redis.client() as client:
        client.set(leases.keys.epoch(), round((time.time() + 3600) * 1000))
    assert not believed(leases)
    wait_until(lambda: believed(leases), 5)


def test_many_suspects_are_judged_at_once(leases: Leases) -> None:
    leases.witness([])
    wait_until(lambda: believed(leases), 5)
    fences = [new_fence() for _ in range(1100)]
    leases.acquire(fences[:600], "w-1")
    assert leases.witness([fence.job_id for fence in fences]) == {fence.job_id for fence in fences[:600]}
