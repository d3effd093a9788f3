"""Connections on which every answer has an end, in time and in size, whatever the other side sends.

redis-py's time-out begins anew with each packet, so a server that sends a byte now and then is waited for for ever. And
the client keeps all that it is sent until an answer is complete: a line without an end takes all the memory there is.
"""

from __future__ import annotations

import socket
import time
from typing import Any

# The longest answer of ours is far shorter: 500 leases for people to look at are 130 kB.
MOST_BYTES = 1 << 20


class TooMuch(ConnectionError):
    """The server sent more than any answer of ours can be."""


class BoundedSocket:
    """A socket whose peer has so many seconds, and bytes, for the answer to what was sent last."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self._sock = sock
        self._seconds = seconds
        self._allow()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: Any) -> None:
        """Send a request, or a part of one; the time for its answer begins."""
        self._allow()
        self._sock.settimeout(self._seconds)
        self._sock.sendall(data)

    def recv(self, size: int) -> bytes:
        """Receive a part of the answer; raises TimeoutError, or TooMuch."""
        self._wait_no_longer()
        data = self._sock.recv(size)
        self._count(len(data))
        return data

    def recv_into(self, buffer: Any) -> int:
        """Receive a part of the answer, as hiredis does; raises as recv()."""
        self._wait_no_longer()
        size = self._sock.recv_into(buffer)
        self._count(size)
        return size

    def _allow(self) -> None:
        self._until = time.monotonic() + self._seconds
        self._left = MOST_BYTES

    def _wait_no_longer(self) -> None:
        if self._sock.gettimeout() == 0:  # A look at whether there is anything: it waits for nothing.
            return
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("The answer is not complete.")
        self._sock.settimeout(left)

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise TooMuch("The answer is too long.")


def bounded(connection_class: Any) -> Any:
    """Return a kind of redis-py's connection whose answers have an end."""

    class BoundedConnection(connection_class):  # type: ignore[misc]
        def _connect(self) -> BoundedSocket:
            return BoundedSocket(super()._connect(), self.socket_timeout)

    return BoundedConnection
