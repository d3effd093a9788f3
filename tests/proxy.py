"""A port in front of a server (PostgreSQL, MariaDB, Redis), at which a test makes the faults of a network.

Bytes are passed on as they come; what they mean is not known here, except that PostgreSQL's question whether to encrypt
is answered with no, so that a trap can see what passes.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import urllib.parse
from enum import Enum
from typing import Any, Self

_CHUNK = 1 << 16
_ENCRYPT = (b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"\x00\x00\x00\x08\x04\xd2\x16\x30")
_PORTS = {"postgres": 5432, "postgresql": 5432, "mysql": 3306, "redis": 6379}


class Then(Enum):
    """What a trap does to a request."""

    CUT_BEFORE = "the connection is cut, and the server never gets the request"
    CUT_BEHIND = "the server gets the request and answers, and the connection is cut instead of the answer"
    IN_FLIGHT = "the client's connection is cut; the server still has its own, and gets the request when it is let go"
    STALL = "the request waits, and the client with it, until it is let go"


class Trap:
    """Waits for the n-th request in which a pattern occurs, and springs once: a moment after it has `caught` it."""

    def __init__(self, pattern: bytes, then: Then, nth: int) -> None:
        self.then = then
        self.caught = False
        self.sprung = threading.Event()
        self.request = b""
        self.seen = 0
        self._pattern = re.compile(pattern, re.IGNORECASE)
        self._nth = nth
        self._link: _Link | None = None

    def catches(self, request: bytes) -> bool:
        """Count a request that matches, and return whether it is the one."""
        if self._pattern.search(request):
            self.seen += 1
            self.caught = self.seen == self._nth
            return self.caught
        return False

    def close_on(self, link: _Link, request: bytes) -> bool:
        """Do it; return whether the request is to be passed on now."""
        self._link, self.request = link, request
        match self.then:
            case Then.CUT_BEFORE:
                link.cut()
            case Then.CUT_BEHIND:
                link.cut_at_answer = self.sprung
                return True
            case Then.IN_FLIGHT:
                link.hang_up_on_client()
        self.sprung.set()
        return False

    def wait(self, seconds: float = 20.0) -> Self:
        """Wait until it has sprung; raises AssertionError when it does not."""
        assert self.sprung.wait(seconds), f"{self._nth} of {self._pattern.pattern!r} in {seconds:g} s: {self.seen} came"
        return self

    def let_go(self) -> bytes:
        """Give the server what was held back; return its answer if the client is gone, b"" if the server is."""
        assert self._link is not None
        with contextlib.suppress(OSError):
            self._link.server.sendall(self.request)
        if self.then is Then.STALL:
            return b""
        answer = self._link.answer()
        self._link.cut()
        assert answer is not None, f"The server has not answered what was in flight: {self.request!r}"
        return answer


class _Link:
    """One client's connection and ours to the server for it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.cut_at_answer: threading.Event | None = None
        self.lossy = False
        self.turn = True
        self._orphaned = threading.Event()
        self._answered = threading.Event()
        self._answer = b""

    def cut(self) -> None:
        """End both at once, in any thread."""
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def hang_up_on_client(self) -> None:
        self._orphaned.set()
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)

    def keep_answer(self, data: bytes) -> bool:
        """Return whether nobody is there to be given the answer; b"" is the server's hanging up."""
        if self._orphaned.is_set() and not self._answered.is_set():
            self._answer = data
            self._answered.set()
        return self._orphaned.is_set()

    def answer(self, seconds: float = 60.0) -> bytes | None:
        """Return what the server said to what was in flight, b"" when it has hung up; None when it does neither."""
        return self._answer if self._answered.wait(seconds) else None

    def is_orphaned(self) -> bool:
        return self._orphaned.is_set()


class Proxy:
    """A context manager; `url` and `port` are what clients in this and in other processes are given."""

    def __init__(self, upstream: str, socket_path: str = "") -> None:
        """Listen in front of a server that is named by a URL; it is reached at its Unix socket when that is given."""
        self._upstream = upstream
        self._socket_path = socket_path
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.connections = self.requests = self.answers = self.cuts = 0
        self.latency = 0.0
        self._refusing = False
        self._swallowing: set[str] = set()
        self._holding: set[str] = set()
        self._changed = threading.Condition()
        self._links: list[_Link] = []
        self._traps: list[Trap] = []
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()
        self._start(self._accept)

    @property
    def url(self) -> str:
        """The URL of the server, by way of this port."""
        parts = urllib.parse.urlsplit(self._upstream)
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}").geturl()

    # -- faults -------------------------------------------------------------------------------------

    def refuse(self) -> None:
        """Hang up on whoever connects, until `accept()`."""
        self._refusing = True

    def accept(self) -> None:
        """Let clients connect again."""
        self._refusing = False

    def cut(self) -> int:
        """Cut every connection now, and return how many there were."""
        with self._changed:
            links, self._links = self._links, []
            self.cuts += len(links)
        for link in links:
            link.cut()
        return len(links)

    def trap(self, pattern: bytes = b"", then: Then = Then.CUT_BEFORE, *, nth: int = 1) -> Trap:
        """Set a trap for the n-th request from now on in which the pattern occurs; without one, for any request."""
        trap = Trap(pattern, then, nth)
        with self._changed:
            self._traps.append(trap)
        return trap

    def swallow(self, *directions: str) -> None:
        """Lose "requests", or "answers", or both, of connections that stay open, until `heal()`."""
        with self._changed:
            self._swallowing = set(directions)

    def hold(self, *directions: str) -> None:
        """Keep "requests", or "answers", or both, in flight, until `heal()`."""
        with self._changed:
            self._holding = set(directions)

    def heal(self) -> None:
        """Pass everything on again, first what was held; what has lost bytes is cut, and traps are taken away."""
        self.accept()
        with self._changed:
            self._swallowing = set()
            self._holding = set()
            self._traps.clear()
            lossy = [link for link in self._links if link.lossy]
            self._changed.notify_all()
        for link in lossy:
            link.cut()

    # -- life ---------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cut everything; connections are refused from here on."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.heal()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    # -- threads ------------------------------------------------------------------------------------

    def _start(self, target: Any, *args: Any) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=target, args=args, name="proxy", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            server = self._connect()
        except OSError:
            client.close()
            return
        link = _Link(client, server)
        with self._changed:
            self._links.append(link)
            self.connections += 1
        answers = threading.Thread(target=self._pass_answers, args=(link,), name="proxy", daemon=True)
        answers.start()
        if self._closed.is_set():
            link.cut()
        with contextlib.suppress(OSError):
            self._pass_requests(link)
        if not link.is_orphaned():
            link.cut()
        answers.join()
        with self._changed:
            if link in self._links:
                self._links.remove(link)
        client.close()
        server.close()

    def _connect(self) -> socket.socket:
        if self._socket_path:
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._socket_path)
            return server
        parts = urllib.parse.urlsplit(self._upstream)
        server = socket.create_connection((parts.hostname, parts.port or _PORTS[parts.scheme]), 10)
        server.settimeout(None)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return server

    def _pass_requests(self, link: _Link) -> None:
        while data := link.client.recv(_CHUNK):
            if data in _ENCRYPT:
                link.client.sendall(b"N")
                continue
            if link.turn:
                link.turn = False
                self.requests += 1
            if self._let_pass(link, "requests") and self._escapes(link, data):
                link.server.sendall(data)

    def _pass_answers(self, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := link.server.recv(_CHUNK):
                link.turn = True
                self.answers += 1
                if link.keep_answer(data):
                    continue
                if link.cut_at_answer is not None:
                    break
                if self._let_pass(link, "answers"):
                    link.client.sendall(data)
        if link.cut_at_answer is not None:
            link.cut_at_answer.set()
        link.keep_answer(b"")
        link.cut()

    def _let_pass(self, link: _Link, direction: str) -> bool:
        if self.latency:
            self._closed.wait(self.latency)
        with self._changed:
            self._changed.wait_for(lambda: direction not in self._holding)
            swallowed = direction in self._swallowing
            link.lossy |= swallowed
        return not swallowed

    def _escapes(self, link: _Link, data: bytes) -> bool:
        with self._changed:
            caught = [trap for trap in self._traps if trap.catches(data)]
            self._traps = [trap for trap in self._traps if trap not in caught]
        escapes = True
        for trap in caught:
            escapes &= trap.close_on(link, data)
        return escapes
