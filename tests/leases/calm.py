"""The same fixtures on the suite's own server, under a prefix of each test's own: for tests that break nothing."""

from __future__ import annotations

import secrets
from collections.abc import Generator

import pytest
from django.conf import settings as suite
from redis import Redis

from jobqueue.conf import Options
from jobqueue.leases import Leases
from tests.leases.conftest import LEASE


@pytest.fixture
def options() -> Options:
    return Options(redis="default", lease_seconds=LEASE, key_prefix=f"{suite.KEY_PREFIX}:{secrets.token_hex(4)}")


@pytest.fixture
def leases(options: Options) -> Generator[Leases]:
    leases = Leases("default", options)
    yield leases
    leases.forget_all()
    leases.connection.close()


@pytest.fixture
def server() -> Generator[Redis]:
    """Give a connection to the server, past all that the package does."""
    with Redis.from_url(suite.REDIS_URL) as client:
        yield client
