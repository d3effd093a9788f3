"""Leases on a server of the test's own, so that it can be emptied, filled, frozen and lied to."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from jobqueue.conf import Options
from jobqueue.fence import Fence
from jobqueue.leases import Leases
from tests.redis_server import OwnRedis

LEASE = 1.0


@pytest.fixture
def options(own_redis: OwnRedis, settings: Any) -> Options:
    """Name the test's own server in CACHES."""
    settings.CACHES = {"own": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": own_redis.url}}
    return Options(redis="own", lease_seconds=LEASE, key_prefix="t")


@pytest.fixture
def leases(options: Options) -> Generator[Leases]:
    leases = Leases("own", options)
    yield leases
    leases.connection.close()


@pytest.fixture
def server(own_redis: OwnRedis) -> Generator[Redis]:
    """Give a connection to the server, past all that the package does."""
    with own_redis.client() as client:
        yield client


@pytest.fixture
def fence() -> Fence:
    return new_fence()


def new_fence(attempt: int = 1) -> Fence:
    return Fence(uuid4(), attempt, uuid4())


def later_claim(fence: Fence, by: int = 1) -> Fence:
    """Return another claim of the same job."""
    return Fence(fence.job_id, fence.attempt + by, uuid4())
