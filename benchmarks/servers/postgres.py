"""A PostgreSQL of one's own: the packaged server with its default configuration, so fsync is on."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg

from .programs import find, free_port, give, run, running, unprivileged

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
_HINT = "apt-get install postgresql (or set DATABASE_URL to a server where databases may be created)."


@contextlib.contextmanager
def own_postgres(directory: Path) -> Iterator[tuple[str, int]]:
    """Yield the URL of a new server's databases, up to their name, and the pid of the server."""
    initdb, postgres = (find(name, *_PLACES, hint=_HINT) for name in ("initdb", "postgres"))
    user = unprivileged("postgres")
    home = directory / "postgres"
    home.mkdir()
    give(home, user)
    data = str(home / "data")
    run([initdb, "-D", data, "-U", "bench", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8"], user=user)
    port = free_port()
    url = f"postgres://bench@127.0.0.1:{port}"
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(home),
        "fsync": "on",
        "max_connections": 200,
    }
    command = [postgres, "-D", data, *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))]
    with running(
        command,
        user=user,
        log=directory / "postgres.log",
        answers=lambda: psycopg.connect(f"{url}/postgres", connect_timeout=2).close(),
        stop=signal.SIGINT,  # "Fast": whoever is still connected is cut off.
    ) as server:
        yield url, server.pid
