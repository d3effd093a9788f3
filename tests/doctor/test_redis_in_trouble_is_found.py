"""Each trouble of a Redis is made, and found: silent, frozen, evicting, full, a replica, unable to write, nonsense."""

from __future__ import annotations

import time

import pytest

from jobqueue import doctor
from jobqueue.doctor import Level
from tests.false_redis import FalseRedis
from tests.nonsense import NONSENSE


def test_one_that_is_well(found, redis):
    assert found("redis.answers").level is Level.OK
    assert 0 < found("redis.answers").figure < 100
    assert found("redis.answers").unit == "ms"
    for about in ("redis.eviction", "redis.memory", "redis.role", "redis.persistence", "clock.redis"):
        assert found(about).level is Level.OK, about


def test_one_that_is_frozen_is_told_in_time_and_asked_no_more(found, redis):
    redis.pause()
    began = time.monotonic()
    findings = {finding.about: finding for finding in doctor.examine(2.0)}
    assert time.monotonic() - began < 10
    redis.resume()
    assert findings["redis.answers"].level is Level.PROBLEM
    assert "does not answer" in findings["redis.answers"].says
    assert "Nothing is lost" in findings["redis.answers"].means
    assert "redis.eviction" not in findings
    assert "clock.redis" not in findings
    assert findings["database.indexes"].level is Level.OK, "all else is looked at"


def test_one_that_is_not_there(found, redis_at):
    redis_at("redis://127.0.0.1:1/0")
    assert found("redis.answers").level is Level.PROBLEM


def test_one_that_throws_keys_away(found, redis):
    with redis.client() as client:
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
    finding = found("redis.eviction")
    assert finding.level is Level.PROBLEM
    assert "allkeys-lru" in finding.says
    assert "noeviction" in finding.do


def test_one_that_is_nearly_full(found, redis):
    with redis.client() as client:
        for number in range(20):
            client.set(f"big-{number}", b"x" * 1_000_000)
        client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.05))
    assert found("redis.memory").level is Level.WARNING
    assert found("redis.memory").unit == "MB"


def test_one_that_is_a_replica(found, redis):
    with redis.client() as client:
        client.replicaof("127.0.0.1", 1)
    assert found("redis.role").level is Level.PROBLEM


def answering(info: str, *, clock: float | None = None):
    """Return what a server answers whose INFO is this, and whose clock says that."""

    def answer(request: bytes) -> bytes:
        word = request.split(b"\r\n")[2].upper()
        if word == b"INFO":
            return b"$%d\r\n%s\r\n" % (len(info), info.encode())
        if word == b"TIME":
            seconds = b"%d" % (time.time() if clock is None else time.time() + clock)
            return b"*2\r\n$%d\r\n%s\r\n$1\r\n0\r\n" % (len(seconds), seconds)
        return b"+PONG\r\n" if word == b"PING" else b"-ERR unknown command\r\n"

    return answer


WELL = "used_memory:1\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\nrole:master\r\naof_enabled:0\r\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("rdb_last_bgsave_status:err", "its last snapshot failed"),
        ("aof_enabled:1\r\naof_last_write_status:err", "it could not write to its append-only file"),
        ("loading:1", "it is loading its file"),
    ],
)
def test_one_that_may_refuse_to_write(found, redis_at, line, why):
    with FalseRedis(answering(f"{WELL}{line}\r\n")) as server:
        redis_at(server.url)
        assert found("redis.persistence").level is Level.WARNING
        assert why in found("redis.persistence").says


@pytest.mark.parametrize(("seconds", "level"), [(-30, Level.WARNING), (3600, Level.PROBLEM)])
def test_one_whose_clock_is_wrong(found, redis_at, seconds, level):
    with FalseRedis(answering(WELL, clock=seconds)) as server:
        redis_at(server.url)
        finding = found("clock.redis")
        assert finding.level is level
        assert abs(finding.figure - seconds) < 5


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_a_finding_and_no_error(found, redis_at, what):
    with FalseRedis(lambda request: NONSENSE[what]()) as server:
        redis_at(server.url)
        assert found("redis.answers", seconds=2.0).says
