"""The web server's port, and its first answer."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time

from .children import Child

HOST = "127.0.0.1"
START_SECONDS = 60.0


def free_port(first: int) -> int:
    """Return the first port from there on that nobody listens on."""
    for port in range(first, first + 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            # As the web server does: connections that have just ended do not keep a port taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port
    raise SystemExit(f"No port from {first} to {first + 99} is free: choose another with PORT=….")


def answers(port: int, web: Child) -> bool:
    """Wait until the site answers; False when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and web.reason is None:
        connection = http.client.HTTPConnection(HOST, port, timeout=10)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        time.sleep(0.1)
    return False
