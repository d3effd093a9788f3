"""A connection to the Redis of a CACHES alias, with time-outs and a circuit breaker of our own.

django-redis is asked how to connect (URL, sentinels, TLS, passwords, parser), but not for its pool: it keys pools by
URL, so a shared one would silently ignore our time-outs; and redis-py's default retries make one call to a silent
server take almost a minute.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Container
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django_redis.pool import get_connection_factory
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import MasterDownError, ReadOnlyError, ResponseError
from redis.retry import Retry

from ..spelling import on_one_line
from .bounded import bounded

logger = logging.getLogger("jobqueue.leases")
_NEEDS_RESP3 = ("maint_notifications_config", "cache", "cache_config")
_MOST_TOLD = 200
# One that refuses some of what it is asked fails and answers in turn: that is told once in so many pauses. One that
# goes on refusing is told of when they are over.
_TELL_AGAIN = 10


class LeasesUnavailable(Exception):
    """Redis cannot be reached or does not do its work; nothing depends on it but speed."""


def connect(cache_alias: str, *, timeout: float) -> Redis:
    """Return a client of its own pool for a CACHES alias; every call ends within about ``timeout`` seconds."""
    config = settings.CACHES[cache_alias]
    location = config["LOCATION"]
    url = location[0] if isinstance(location, list | tuple) else location.split(",")[0].strip()
    ours = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "decode_responses": False,
        # In RESP3 a server may push: redis-py lets it name another server to go to, and raise time-outs to 10 s.
        "protocol": 2,
    }
    options: dict[str, Any] = dict(config.get("OPTIONS", {}))
    options["SOCKET_TIMEOUT"] = options["SOCKET_CONNECT_TIMEOUT"] = timeout
    theirs = {k: v for k, v in options.get("CONNECTION_POOL_KWARGS", {}).items() if k not in _NEEDS_RESP3}
    options["CONNECTION_POOL_KWARGS"] = {**theirs, **ours}
    options["SENTINEL_KWARGS"] = {**options.get("SENTINEL_KWARGS", {}), **ours}
    factory: Any = get_connection_factory(options)
    pool = factory.get_connection_pool(factory.make_connection_params(_without(url, {*ours, *_NEEDS_RESP3})))
    pool.connection_class = bounded(pool.connection_class)
    return Redis(connection_pool=pool)


def _without(url: str, names: Container[str]) -> str:
    """Return a URL without options of these names, which redis-py would prefer to ours."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in names]
    return urlunsplit(parts._replace(query=urlencode(query)))


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
        self._told = False
        self._told_until = 0.0

    def client(self) -> Redis:
        """Return the client, which is made at the first use."""
        with self._lock:
            if self._client is None:
                self._client = connect(self._cache_alias, timeout=self._timeout)
            return self._client

    def call[T](self, ask: Callable[[Redis], T]) -> T:
        """Return ``ask(client)``; raises LeasesUnavailable, at once while the pause after a silence lasts."""
        if time.monotonic() < self._silent_until:
            raise LeasesUnavailable("Redis did not answer a moment ago.")
        client = self.client()
        try:
            answer = ask(client)
        # Its client lets any kind of error out when what comes is nonsense: ValueError, RecursionError, …
        except Exception as error:
            raise self._fail(client, error) from error
        self._failing = False
        if self._told:
            self._told = False
            logger.info("Redis (CACHES[%r]) answers again.", self._cache_alias)
        return answer

    def call_in_passing[T](self, ask: Callable[[Redis], T]) -> T:
        """Return what call() returns; raises LeasesUnavailable, at once until a call() succeeds after a failure.

        For whoever has better to do than to find out whether a silent server answers again.
        """
        if self._failing:
            raise LeasesUnavailable("Redis did not answer when it was last asked.")
        return self.call(ask)

    def _fail(self, client: Redis, error: Exception) -> LeasesUnavailable:
        """Note that Redis is of no use for a moment, and return what to tell about it."""
        now, told, refused = time.monotonic(), _tell(error), isinstance(error, ResponseError)
        if not refused:
            self._silent_until = now + self._pause
        # What is still to come on a connection would be taken for the next answer; and a server that was made a
        # replica keeps its clients, who have to ask again who the master is.
        if not refused or isinstance(error, ReadOnlyError | MasterDownError):
            client.connection_pool.disconnect(inuse_connections=False)
        if not self._told and not (refused and now < self._told_until):
            self._told, self._told_until = True, now + _TELL_AGAIN * self._pause
            logger.warning("Redis (CACHES[%r]) is out of reach, going on without it: %s", self._cache_alias, told)
        self._failing = True
        return LeasesUnavailable(told)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.connection_pool.disconnect()


def _tell(error: Exception) -> str:
    """Return what a server says, on one line, and not all of it when it says much."""
    text = on_one_line(str(error) or type(error).__name__)
    return text if len(text) <= _MOST_TOLD else f"{text[:_MOST_TOLD]} …"
