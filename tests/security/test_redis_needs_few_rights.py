"""The ACL line of SECURITY.md is enough for a worker, and gives nothing beside its keys."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from django.conf import settings as django_settings

from jobqueue.conf import Options
from jobqueue.fence import Fence
from jobqueue.leases import Held, Leases
from jobqueue.leases.connection import LeasesUnavailable
from jobqueue.leases.wake import Wake
from tests.redis_server import OwnRedis

DOCUMENT = Path(__file__).parents[2] / "SECURITY.md"


def documented() -> list[str]:
    """Return the line as it is published."""
    (line,) = re.findall(r"^ACL SETUSER .*$", DOCUMENT.read_text(), re.MULTILINE)
    return line.split()


@pytest.fixture
def restricted(own_redis: OwnRedis, settings: Any) -> str:
    """Give the address of a server as somebody with just these rights, under the name of a cache."""
    with own_redis.client() as client:
        client.execute_command(*documented())
    url = own_redis.url.replace("redis://", "redis://jobqueue:password@")
    settings.CACHES = {**django_settings.CACHES, "few": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url}}
    return url


def use(options: Options) -> None:
    """Do all that a worker and its witnesses do with Redis."""
    fence = Fence(uuid4(), 1, uuid4())
    leases, wake = Leases("few", options), Wake("few", options)
    assert leases.acquire([fence], "w")[0].held
    assert leases.renew([Held(fence, 1, 2)], "w")[0].held
    assert leases.read([fence.job_id])[fence.job_id].worker_id == "w"
    leases.witness([fence.job_id])
    assert leases.release([fence], "w") == 1
    leases.evicting_policy()
    wake.hint(["mail"])
    assert wake.await_hint(["mail"]) == "mail"
    wake.close()
    leases.connection.close()


def test_the_line_is_enough(restricted: str) -> None:
    use(Options(lease_seconds=2))


def test_it_gives_nothing_beside_its_keys(restricted: str) -> None:
    with redis.Redis.from_url(restricted) as client:
        for command in (["GET", "others"], ["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "SET", "maxmemory", "1"],
                        ["CONFIG", "GET", "requirepass"],
                        ["ACL", "LIST"], ["SCRIPT", "FLUSH"], ["SHUTDOWN"], ["HGETALL", "jobqueue:x"]):  # fmt: skip
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)
    with pytest.raises(LeasesUnavailable):
        use(Options(lease_seconds=2, key_prefix="others"))


@pytest.mark.parametrize("right", ["+evalsha", "+hset", "+pexpire", "+pttl", "+brpop", "+lpush", "+time"])
def test_without_one_of_them_it_is_not(own_redis: OwnRedis, restricted: str, right: str) -> None:
    with own_redis.client() as client:
        client.execute_command("ACL", "SETUSER", "jobqueue", right.replace("+", "-"))
    with pytest.raises((LeasesUnavailable, AssertionError)):
        use(Options(lease_seconds=2))
