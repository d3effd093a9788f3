"""acquire, renew, release: each does what it says for the holder, and nothing to anybody else's lease."""

from __future__ import annotations

from jobqueue.fence import Fence
from jobqueue.leases import Held, Leases
from tests.leases.conftest import LEASE, later_claim, new_fence
from tests.redis_server import OwnRedis


def test_a_free_lease_is_taken_and_told(leases: Leases, fence: Fence) -> None:
    (grant,) = leases.acquire([fence], "w-1")
    assert grant.held
    assert 0 < grant.ttl <= LEASE
    view = leases.read([fence.job_id])[fence.job_id]
    assert (view.attempt, view.token, view.worker_id, view.renewals, view.pid) == (1, fence.token, "w-1", 0, None)


def test_taking_it_again_extends_it(leases: Leases, own_redis: OwnRedis, fence: Fence) -> None:
    leases.acquire([fence], "w-1")
    with own_redis.client() as client:
        client.pexpire(leases.keys.lease(fence.job_id), 100)
    assert leases.acquire([fence], "w-1")[0].ttl > 0.5


def test_a_later_claim_takes_over(leases: Leases, fence: Fence) -> None:
    leases.acquire([fence], "w-1")
    later = later_claim(fence)
    assert leases.acquire([later], "w-2")[0].held
    assert leases.read([fence.job_id])[fence.job_id].worker_id == "w-2"


def test_nobody_takes_over_from_the_same_or_a_later_claim(leases: Leases, fence: Fence) -> None:
    later = later_claim(fence, by=2)
    leases.acquire([later], "w-1")
    for other in (fence, later_claim(fence, by=1), later_claim(fence, by=2)):
        assert not leases.acquire([other], "w-2")[0].held
    assert leases.read([fence.job_id])[fence.job_id].token == later.token


def test_attempts_are_compared_as_numbers(leases: Leases, fence: Fence) -> None:
    leases.acquire([Fence(fence.job_id, 9, fence.token)], "w-1")
    assert leases.acquire([later_claim(Fence(fence.job_id, 9, fence.token))], "w-2")[0].held


def test_renewing_extends_and_counts(leases: Leases, own_redis: OwnRedis, fence: Fence) -> None:
    leases.acquire([fence], "w-1")
    with own_redis.client() as client:
        client.pexpire(leases.keys.lease(fence.job_id), 100)
    (grant,) = leases.renew([Held(fence, 4, 4711)], "w-1")
    assert grant.held
    assert grant.ttl > 0.5
    view = leases.read([fence.job_id])[fence.job_id]
    assert (view.renewals, view.pid) == (4, 4711)


def test_a_forgotten_lease_is_made_anew_by_its_renewal(leases: Leases, own_redis: OwnRedis, fence: Fence) -> None:
    leases.acquire([fence], "w-1")
    own_redis.flush()
    assert leases.renew([Held(fence, 1, None)], "w-1")[0].held
    assert 0 < leases.read([fence.job_id])[fence.job_id].ttl <= LEASE


def test_nobody_renews_or_releases_the_lease_of_another(leases: Leases, fence: Fence) -> None:
    later = later_claim(fence)
    leases.acquire([later], "w-2")
    assert not leases.renew([Held(fence, 1, None)], "w-1")[0].held
    assert leases.release([fence], "w-1") == 0
    view = leases.read([fence.job_id])[fence.job_id]
    assert (view.token, view.renewals) == (later.token, 0)


def test_a_released_lease_is_gone(leases: Leases, fence: Fence) -> None:
    leases.acquire([fence], "w-1")
    assert leases.release([fence], "w-1") == 1
    assert leases.read([fence.job_id]) == {}
    assert leases.release([fence], "w-1") == 0


def test_many_leases_are_one_answer_in_order(leases: Leases) -> None:
    fences = [new_fence() for _ in range(1203)]
    leases.acquire(fences[::2], "w-1")
    grants = leases.acquire(fences, "w-2")
    assert [grant.fence for grant in grants] == fences
    assert [grant.held for grant in grants] == [index % 2 == 1 for index in range(len(fences))]
    assert all(grant.held for grant in leases.renew([Held(fence, 1, 1) for fence in fences[::2]], "w-1"))
    assert leases.release(fences, "w-2") == len(fences) // 2
    assert leases.acquire([], "w-1") == []
    assert leases.release([], "w-1") == 0


def test_more_time_than_asked_for_is_not_believed(leases: Leases, own_redis: OwnRedis, fence: Fence) -> None:
    """The server's clock went back: what is left looks longer than the lease."""
    other = later_claim(fence)
    leases.acquire([other], "w-2")
    with own_redis.client() as client:
        client.pexpire(leases.keys.lease(fence.job_id), 3_600_000)
    assert leases.acquire([fence], "w-1")[0].ttl == LEASE


def test_only_the_own_prefix_is_forgotten(leases: Leases, own_redis: OwnRedis, fence: Fence) -> None:
    leases.acquire([fence], "w-1")
    with own_redis.client() as client:
        client.set("t2:lease:x", 1)
        client.set("other", 1)
        assert leases.forget_all() == 1
        assert sorted(client.keys()) == [b"other", b"t2:lease:x"]


def test_what_is_not_a_lease_of_ours_is_not_shown(leases: Leases, own_redis: OwnRedis) -> None:
    bad = [b"", b"1", b"1:zz:w", b"x:" + b"0" * 32 + b":w", b"1:" + b"0" * 32 + b":" + b"w" * 500, b"\xff\x00"]
    fences = [new_fence() for _ in bad]
    with own_redis.client() as client:
        for fence, value in zip(fences, bad, strict=True):
            client.hset(leases.keys.lease(fence.job_id), mapping={"holder": value, "renewals": b"9" * 40, "pid": b"-1"})
    assert leases.read([fence.job_id for fence in fences]) == {}
