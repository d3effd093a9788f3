"""witness: an epoch that says nothing, a lease without an end and one with too much time left are no sign of life."""

import pytest

from tests.leases.calm import leases as leases
from tests.leases.calm import options as options
from tests.leases.calm import server as server
from tests.leases.conftest import LEASE, new_fence


def now(server):
    seconds, micros = server.time()
    return seconds * 1000 + micros // 1000


@pytest.fixture
def old_memory(leases, server):
    """Let the server have remembered everything for long enough."""
    server.set(leases.keys.epoch(), now(server) - int(10 * LEASE * 1000))


def test_the_epoch_has_no_end(leases, server):
    assert leases.witness([]) is None
    assert abs(int(server.get(leases.keys.epoch())) - now(server)) < 2000
    assert server.ttl(leases.keys.epoch()) == -1


@pytest.mark.parametrize("epoch", ["", "soon", "nan", "inf", "9" * 30, "99999999999999"])
def test_an_epoch_that_says_nothing_begins_anew(leases, server, epoch):
    """One in the future: the server's clock went back."""
    server.set(leases.keys.epoch(), epoch)
    assert leases.witness([]) is None
    assert abs(int(server.get(leases.keys.epoch())) - now(server)) < 2000


def test_so_does_one_of_another_type(leases, server):
    server.rpush(leases.keys.epoch(), "a list")
    assert leases.witness([]) is None
    assert server.type(leases.keys.epoch()) == b"string"


def test_a_lease_that_nobody_renewed_since_the_clock_went_back_is_no_sign_of_life(leases, server, old_memory):
    """The dead owner of a job would pass for alive until its clock has caught up: hours, or years."""
    dead, alive = new_fence(), new_fence()
    leases.acquire([dead, alive], "anna")
    server.pexpire(leases.keys.lease(dead.job_id), 3_600_000)
    assert leases.witness([dead.job_id, alive.job_id]) == {alive.job_id}


def test_a_key_without_an_end_is_none_either(leases, server, old_memory):
    forged, text = new_fence(), new_fence()
    server.hset(leases.keys.lease(forged.job_id), "holder", f"1:{forged.token.hex}:nobody")
    server.set(leases.keys.lease(text.job_id), "1")
    assert leases.witness([forged.job_id, text.job_id]) == set()
