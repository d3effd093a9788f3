"""A connection to the Redis of a CACHES alias, with time-outs and a circuit breaker of our own.

django-redis is asked how to connect (URL, sentinels, TLS, passwords, parser), but not for its pool: it keys pools by
URL, so a shared one would silently ignore our time-outs; and redis-py's default retries make one call to a silent
server take almost a minute.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django_redis.pool import get_connection_factory
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger("jobqueue.leases")


class LeasesUnavailable(Exception):
    """Redis cannot be reached or does not do its work; nothing depends on it but speed."""


def connect(cache_alias: str, *, timeout: float) -> Redis:
    """Return a client of its own pool for a CACHES alias; every call ends within about ``timeout`` seconds."""
    config = settings.CACHES[cache_alias]
    location = config["LOCATION"]
    url = location[0] if isinstance(location, list | tuple) else location.split(",")[0].strip()
    options: dict[str, Any] = dict(config.get("OPTIONS", {}))
    options["SOCKET_TIMEOUT"] = options["SOCKET_CONNECT_TIMEOUT"] = timeout
    options["CONNECTION_POOL_KWARGS"] = {
        **options.get("CONNECTION_POOL_KWARGS", {}),
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "decode_responses": False,
    }
    factory: Any = get_connection_factory(options)
    pool = factory.get_connection_pool(factory.make_connection_params(url))
    return Redis(connection_pool=pool)


class Connection:
    """Calls Redis for one purpose, and stops asking for a moment after it failed."""

    def __init__(self, cache_alias: str, *, timeout: float, pause: float) -> None:
        self._cache_alias = cache_alias
        self._timeout = timeout
        self._pause = pause
        self._lock = threading.Lock()
        self._client: Redis | None = None
        self._silent_until = 0.0
        self._failing = False

    def client(self) -> Redis:
        """Return the client, which is made at the first use."""
        with self._lock:
            if self._client is None:
                self._client = connect(self._cache_alias, timeout=self._timeout)
            return self._client

    def call[T](self, ask: Callable[[Redis], T]) -> T:
        """Return ``ask(client)``; raises LeasesUnavailable, at once while the pause after a failure lasts."""
        if time.monotonic() < self._silent_until:
            raise LeasesUnavailable("Redis did not answer a moment ago.")
        try:
            answer = ask(self.client())
        except (RedisError, OSError) as error:
            self._silent_until = time.monotonic() + self._pause
            if not self._failing:
                self._failing = True
                logger.warning("Redis (CACHES[%r]) is out of reach, going on without it: %s", self._cache_alias, error)
            raise LeasesUnavailable(str(error)) from error
        if self._failing:
            self._failing = False
            logger.info("Redis (CACHES[%r]) answers again.", self._cache_alias)
        return answer

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.connection_pool.disconnect()
