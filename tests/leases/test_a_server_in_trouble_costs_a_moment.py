"""Redis that is silent, gone, full or freshly started: each call ends in time, and says what can be said."""

from __future__ import annotations

import time

import pytest

from jobqueue.conf import Options
from jobqueue.fence import Fence
from jobqueue.leases import Held, Leases, LeasesUnavailable, Wake
from tests.leases.conftest import new_fence
from tests.redis_server import OwnRedis
from tests.waiting import wait_until


def seconds_to_fail(leases: Leases, fence: Fence) -> float:
    began = time.monotonic()
    with pytest.raises(LeasesUnavailable):
        leases.acquire([fence], "w-1")
    return time.monotonic() - began


def test_a_silent_server_is_waited_for_briefly_and_then_not_at_all(
    leases: Leases, own_redis: OwnRedis, options: Options, fence: Fence
) -> None:
    leases.acquire([fence], "w-1")
    own_redis.pause()
    try:
        # redis-py's own retries would make this almost a minute.
        assert seconds_to_fail(leases, fence) < 10 * options.redis_timeout
        assert seconds_to_fail(leases, fence) < options.redis_timeout / 2
    finally:
        own_redis.resume()

    def answers() -> bool:
        try:
            return leases.renew([Held(fence, 1, None)], "w-1")[0].held
        except LeasesUnavailable:
            return False

    wait_until(answers, 5)


def test_a_server_that_is_gone_and_comes_back_needs_no_new_client(
    leases: Leases, own_redis: OwnRedis, fence: Fence
) -> None:
    leases.acquire([fence], "w-1")
    own_redis.kill()
    seconds_to_fail(leases, fence)
    own_redis.start()

    def held_anew() -> bool:
        try:
            return leases.renew([Held(fence, 2, None)], "w-1")[0].held
        except LeasesUnavailable:
            return False

    wait_until(held_anew, 5)
    assert leases.read([fence.job_id])[fence.job_id].renewals == 2


def test_scripts_that_a_server_forgot_are_sent_again(leases: Leases, own_redis: OwnRedis, fence: Fence) -> None:
    leases.acquire([fence], "w-1")
    with own_redis.client() as client:
        client.script_flush()
    assert leases.renew([Held(fence, 1, None)], "w-1")[0].held


def test_a_full_server_still_renews_and_refuses_new_leases(
    leases: Leases, own_redis: OwnRedis, options: Options, fence: Fence
) -> None:
    leases.acquire([fence], "w-1")
    key = leases.keys.lease(fence.job_id)
    with own_redis.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        client.pexpire(key, 300)
        assert leases.renew([Held(fence, 1, None)], "w-1")[0].held
        assert client.pttl(key) > 300
        with pytest.raises(LeasesUnavailable):
            leases.acquire([new_fence()], "w-1")
        client.config_set("maxmemory", 0)


def test_a_hint_reaches_one_waiter_and_a_dead_server_costs_a_moment(own_redis: OwnRedis, options: Options) -> None:
    wake = Wake("own", options)
    wake.hint(["mail", "default"])
    assert wake.await_hint(["other", "mail"])
    assert not wake.await_hint(["mail"])
    own_redis.kill()
    began = time.monotonic()
    wake.hint(["mail"])
    wake.hint(["mail"])
    assert time.monotonic() - began < 2
    wake.close()


def test_hints_that_nobody_takes_are_not_piled_up(
    own_redis: OwnRedis, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobqueue.leases.wake._BURST_SECONDS", 0.0)
    wake = Wake("own", options)
    for _ in range(200):
        wake.hint(["mail"])
    with own_redis.client() as client:
        assert client.llen(wake.keys.wake("mail")) == 32
        assert 0 < client.ttl(wake.keys.wake("mail")) <= 60
    wake.close()
