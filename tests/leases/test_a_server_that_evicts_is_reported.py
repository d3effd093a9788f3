"""A Redis that throws keys away when its memory is full is refused by `check --deploy`."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from redis import Redis

from jobqueue.checks import check_server
from jobqueue.conf import Options
from jobqueue.leases import Leases, leases_of
from tests.false_redis import FalseRedis
from tests.nonsense import NONSENSE
from tests.redis_server import OwnRedis


def found(leases: Leases, options: Options) -> set[str | None]:
    return {message.id for message in check_server(leases, options)}


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_one_with_a_limit_and_an_evicting_policy_is_wrong(
    leases: Leases, server: Redis, options: Options, policy: str
) -> None:
    assert found(leases, options) == set()
    server.config_set("maxmemory-policy", policy)
    assert found(leases, options) == set(), "without a limit nothing is ever thrown away"
    server.config_set("maxmemory", "100mb")
    assert found(leases, options) == {"jobqueue.E004"}
    server.config_set("maxmemory-policy", "noeviction")
    assert found(leases, options) == set()


@pytest.fixture
def deployed(own_redis: OwnRedis, settings: Any) -> Any:
    settings.CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": own_redis.url}}
    leases_of.cache_clear()
    yield
    leases_of.cache_clear()


@pytest.mark.django_db
def test_check_deploy_fails(deployed: None, server: Redis) -> None:
    server.config_set("maxmemory", "100mb")
    server.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(CommandError, match=r"jobqueue\.E004.*allkeys-lru"):
        call_command("check", "--tag", "jobqueue", "--deploy")


@pytest.mark.django_db
def test_check_alone_asks_no_server(deployed: None, server: Redis) -> None:
    server.config_set("maxmemory", "100mb")
    server.config_set("maxmemory-policy", "allkeys-lru")
    before = server.info("stats")["total_connections_received"]
    call_command("check")
    assert server.info("stats")["total_connections_received"] == before


def test_one_that_does_not_answer_or_answers_nonsense_is_not_judged(settings: Any) -> None:
    """Where a project is built there may be no servers."""
    with FalseRedis(lambda request: b"") as server:
        settings.CACHES = {"false": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": server.url}}
        options = Options(redis="false", lease_seconds=1)
        for what, answer in NONSENSE.items():
            server.answer = lambda request, answer=answer: answer()
            leases = Leases("false", options)
            assert found(leases, options) == set(), what
            leases.connection.close()
