"""The faults that other tests rely on, seen at a server that writes down what it is sent."""

import socket
import socketserver
import threading
import time

import pytest

from tests.proxy import Proxy, Then
from tests.waiting import wait_until


class Server(socketserver.ThreadingTCPServer):
    """Answers each line with the same line."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lines = []


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.server.lines.append(line)
            self.wfile.write(line)


@pytest.fixture
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield server
        server.shutdown()


@pytest.fixture
def proxy(server):
    with Proxy(f"redis://user:secret@127.0.0.1:{server.server_address[1]}/0") as proxy:
        yield proxy


@pytest.fixture
def client(proxy):
    with connect(proxy) as client:
        assert ask(client, b"hello") == b"hello\n"
        yield client


def connect(proxy):
    return socket.create_connection(("127.0.0.1", proxy.port), 5)


def ask(client, line):
    """Return the answer, b"" when the connection is cut."""
    try:
        client.sendall(line + b"\n")
        return client.recv(1000)
    except ConnectionError:
        return b""


def test_without_faults_everything_passes_and_is_counted(proxy, server, client):
    assert ask(client, b"COMMIT") == b"COMMIT\n"
    assert (proxy.connections, proxy.requests, proxy.answers, proxy.cuts) == (1, 2, 2, 0)
    assert proxy.url == f"redis://user:secret@127.0.0.1:{proxy.port}/0"


def test_a_request_is_cut_before_it_arrives(proxy, server, client):
    trap = proxy.trap(b"commit", nth=2)
    assert ask(client, b"COMMIT 1") == b"COMMIT 1\n"
    assert ask(client, b"COMMIT 2") == b""
    trap.wait()
    assert server.lines == [b"hello\n", b"COMMIT 1\n"]
    with connect(proxy) as other:
        assert ask(other, b"COMMIT 3") == b"COMMIT 3\n"


def test_a_request_is_cut_behind_its_answer(proxy, server, client):
    trap = proxy.trap(b"COMMIT", Then.CUT_BEHIND)
    assert ask(client, b"COMMIT") == b""
    trap.wait()
    assert server.lines[-1] == b"COMMIT\n"


def test_a_request_in_flight_arrives_when_it_is_let_go(proxy, server, client):
    trap = proxy.trap(b"COMMIT", Then.IN_FLIGHT)
    assert ask(client, b"COMMIT") == b""
    trap.wait()
    assert server.lines == [b"hello\n"]
    assert trap.let_go() == b"COMMIT\n"
    assert server.lines[-1] == b"COMMIT\n"


def test_a_stalled_request_is_answered_when_it_is_let_go(proxy, server, client):
    trap = proxy.trap(b"COMMIT", Then.STALL)
    client.sendall(b"COMMIT\n")
    trap.wait()
    assert server.lines == [b"hello\n"]
    trap.let_go()
    assert client.recv(100) == b"COMMIT\n"


@pytest.mark.parametrize("direction", ["requests", "answers"])
def test_what_is_held_comes_later_and_what_is_swallowed_never(proxy, server, client, direction):
    proxy.hold(direction)
    client.sendall(b"held\n")
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(100)
    proxy.heal()
    client.settimeout(5)
    assert client.recv(100) == b"held\n"

    proxy.swallow(direction)
    client.sendall(b"lost\n")
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(100)
    assert (b"lost\n" in server.lines) == (direction == "answers")
    proxy.heal()
    client.settimeout(5)
    assert client.recv(100) == b""


def test_everything_is_cut_and_nobody_is_let_in(proxy, server, client):
    proxy.refuse()
    assert proxy.cut() == 1
    assert ask(client, b"hello") == b""
    with connect(proxy) as other:
        assert ask(other, b"hello") == b""
    proxy.accept()
    with connect(proxy) as other:
        assert ask(other, b"hello again") == b"hello again\n"


def test_answers_take_as_long_as_they_are_made_to(proxy, client):
    proxy.latency = 0.2
    began = time.monotonic()
    assert ask(client, b"slow") == b"slow\n"
    assert time.monotonic() - began >= 0.4


def test_its_port_is_free_when_it_is_closed(proxy, client):
    proxy.close()
    assert client.recv(100) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    wait_until(lambda: not any(thread.name == "proxy" for thread in threading.enumerate()))
