"""A port that speaks to Redis' clients and says what a test wants: nonsense, errors, too much, or nothing.

What a client says when it connects is answered as Redis would, so that what follows is answered as the test wants.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Self

Answer = bytes | Iterable[bytes]
_GREETINGS = re.compile(rb"\*\d+\r\n\$\d+\r\n(?:CLIENT|SELECT|AUTH)\r\n", re.IGNORECASE)


class FalseRedis:
    """A context manager; `answer` is called with each request, and may be replaced at any time.

    An answer is sent piece by piece, for as long as the client listens. None says nothing; b"" hangs up.
    """

    def __init__(self, answer: Callable[[bytes], Answer | None]) -> None:
        self.answer = answer
        self.requests = self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._clients: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up on everybody."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for client in self._clients:
            _hang_up(client)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            while request := client.recv(1 << 16):
                if _GREETINGS.match(request):
                    client.sendall(b"+OK\r\n")
                    continue
                self.requests += 1
                answer = self.answer(request)
                if answer == b"":
                    return
                for piece in [answer] if isinstance(answer, bytes) else answer or ():
                    client.sendall(piece)


def _hang_up(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
