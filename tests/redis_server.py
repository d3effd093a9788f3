"""A Redis server of a test's own, to be emptied, frozen and killed."""

from __future__ import annotations

import os
import signal
import urllib.parse
from contextlib import ExitStack

import redis

from project.embedded import embedded_redis
from tests.waiting import wait_until


class OwnRedis:
    """An embedded server that only one test knows. Its address stays the same when it is started again."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self.url = ""
        self.start()

    def start(self) -> None:
        """Start the server, empty; after kill() it takes the same address."""
        port = urllib.parse.urlsplit(self.url).port or 0
        self.url = self._running.enter_context(embedded_redis(port=port))
        with self.client() as client:
            self.pid = int(client.info("server")["process_id"])

    def client(self) -> redis.Redis:
        """Return a connection; use it as a context manager, or close it."""
        return redis.Redis.from_url(self.url, socket_timeout=5)

    def flush(self) -> None:
        """Forget every key."""
        with self.client() as client:
            client.flushall()

    def pause(self) -> None:
        """Freeze the server: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the server at once; connections are refused from here on."""
        os.kill(self.pid, signal.SIGKILL)
        wait_until(lambda: not self._accepts())
        self._running.close()

    def close(self) -> None:
        """End the server, frozen or not."""
        self._running.close()

    def _accepts(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
