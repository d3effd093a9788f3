"""Finding, starting and ending the programs of a run."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from glob import glob
from pathlib import Path

_PR_SET_PDEATHSIG = 1


class Missing(Exception):
    """Something that a benchmark needs is not on this machine; its text says what, and how to get it."""


def find(name: str, *places: str, hint: str) -> str:
    """Return the path of a program, in PATH or in one of the places (newest version first); raises Missing."""
    for place in places:
        for path in sorted(glob(place), key=lambda p: [int(n) for n in p.split("/") if n.isdigit()], reverse=True):
            if (Path(path) / name).exists():
                return f"{path}/{name}"
    found = shutil.which(name)
    if found is None:
        raise Missing(f"{name} is missing: {hint}")
    return found


def unprivileged(*names: str) -> str | None:
    """Return the first of these users that exists, when this process is root: some servers refuse to run as root."""
    if os.geteuid() != 0:
        return None
    for name in (*names, "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise Missing("No user was found to run the database server as: it refuses to run as root.")


def give(directory: Path, user: str | None) -> None:
    """Hand a directory over to the user that a server runs as."""
    if user is not None:
        shutil.chown(directory, user, pwd.getpwnam(user).pw_gid)


def run(command: Sequence[str], *, user: str | None = None) -> None:
    """Run a program to its end; raises Missing, with what it said, when it fails."""
    done = subprocess.run(
        command,
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Missing(f"{command[0]} failed:\n{done.stdout.strip()}")


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    answers: Callable[[], object],
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
    seconds: float = 60,
) -> Iterator[subprocess.Popen[bytes]]:
    """Have a server run and answer; raises Missing, with what it said, when it does not."""
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(stop),
        )
    try:
        _wait_for(server, answers, seconds, log)
        yield server
    finally:
        server.send_signal(stop)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(server: subprocess.Popen[bytes], answers: Callable[[], object], seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            answers()
        except Exception as error:
            if server.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace").strip()
                raise Missing(f"{server.args!r} does not answer ({error}):\n{said}") from error
            time.sleep(0.05)
        else:
            return


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel, in a child process, for a signal when its parent dies: a killed run leaves nothing behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
