"""A doctor that is asked, and a Redis of the test's own under the name of the suite's backend."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from jobqueue import doctor
from jobqueue.doctor import Finding, examination
from jobqueue.leases import leases_of
from tests.redis_server import OwnRedis


@pytest.fixture
def found(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Finding]:
    """Give `found(about)`: what the doctor finds about one thing, the worst of it when there is more.

    Looks that have nothing to do with it are not taken: there are many, and each opens a connection.
    """
    every = examination.looks

    def ask(about: str, *, seconds: float = 30.0) -> Finding:
        room = about.partition(".")[0]
        monkeypatch.setattr(
            examination, "looks", lambda: [look for look in every() if look.opens or look.about.startswith(room)]
        )
        everything = list(doctor.examine(seconds))
        findings = [finding for finding in everything if finding.about == about]
        assert findings, f"Nothing was found about {about}, but {everything}."
        return max(findings, key=lambda finding: list(doctor.Level).index(finding.level))

    return ask


@pytest.fixture
def redis_at(settings: Any) -> Generator[Callable[[str], None]]:
    """Give `redis_at(url)`: the backend "default" uses that server from then on."""

    def use(url: str) -> None:
        settings.CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url}}
        leases_of.cache_clear()

    yield use
    leases_of.cache_clear()


@pytest.fixture
def redis(own_redis: OwnRedis, redis_at: Callable[[str], None]) -> OwnRedis:
    """Give a server that the backend "default" uses."""
    redis_at(own_redis.url)
    return own_redis
