"""Another token, another worker, another attempt: whatever differs, a lease is not theirs. S9."""

from dataclasses import replace

import pytest

from jobqueue.fence import Fence
from jobqueue.leases import Held, Leases
from tests.leases.calm import leases as leases
from tests.leases.calm import options as options
from tests.leases.calm import server as server
from tests.leases.conftest import later_claim, new_fence


@pytest.mark.parametrize("by", [-1, 0, 1])
def test_whoever_is_not_the_holder_neither_renews_nor_releases(leases, server, by):
    theirs = new_fence(2)
    leases.acquire([theirs], "w-1")
    key = leases.keys.lease(theirs.job_id)
    before = server.hgetall(key), server.pexpiretime(key)

    for fence, worker in [(later_claim(theirs, by), "w-1"), (later_claim(theirs, by), "w-2"), (theirs, "w-2")]:
        assert not leases.renew([Held(fence, 9, 4711)], worker)[0].held
        assert leases.release([fence], worker) == 0

    assert (server.hgetall(key), server.pexpiretime(key)) == before


def test_one_that_was_taken_over_begins_anew(leases, fence):
    leases.acquire([fence], "w-1")
    leases.renew([Held(fence, 7, 4711)], "w-1")
    leases.acquire([later := later_claim(fence)], "w-2")
    view = leases.read([fence.job_id])[fence.job_id]
    assert (view.token, view.worker_id, view.renewals, view.pid) == (later.token, "w-2", 0, None)


def test_the_token_alone_makes_the_difference(leases, fence):
    """After a failover to an older state the database mints the same number again."""
    leases.acquire([fence], "w-1")
    assert not leases.acquire([Fence(fence.job_id, fence.attempt, new_fence().token)], "w-1")[0].held


def test_a_prefix_with_wildcards_is_forgotten_literally(leases, server, options):
    neighbour = f"{options.key_prefix}:other:epoch"
    server.set(neighbour, "theirs", px=5000)
    odd = Leases("default", replace(options, key_prefix=f"{options.key_prefix}:o*er"))
    odd.witness([])
    assert odd.forget_all() == 1
    odd.connection.close()
    assert server.delete(neighbour) == 1
