"""Forks the fork server off the worker, so that what both have loaded is in memory once: a quarter less in all.

Left to itself, multiprocessing starts another interpreter for it, which loads everything again. A fork will do as long
as nothing is under way in the worker: nobody has started a thread or opened a connection. Where that is otherwise, or
cannot be told, and should the fork server ever have to be started anew, multiprocessing has its way.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from contextlib import suppress
from multiprocessing import connection, forkserver
from typing import Any, NoReturn

from django.db import connections

from ..task import discover
from .crew import CONTEXT, PRELOAD

# It has no public way in. These know each other by the same names; 3.14 adds a secret to them.
_KNOWN = sys.platform == "linux" and (3, 12) <= sys.version_info < (3, 14)


def start_early() -> None:
    """Start the fork server, if that can be done by a fork; to be called before there are threads and connections."""
    # What fails here fails again, visibly, when the worker itself looks for tasks.
    with suppress(Exception):
        discover()
    server: Any = forkserver
    if _KNOWN and server._forkserver._forkserver_pid is None and not _is_busy():
        _fork(server._forkserver)


def _is_busy() -> bool:
    """Return whether there is what a fork would tear apart: another thread, be it native, or an open connection."""
    if any(each.connection is not None for each in connections.all(initialized_only=True)):
        return True
    try:
        return len(os.listdir("/proc/self/task")) > 1
    except OSError:
        return True


def _fork(server: Any) -> None:
    # The collector writes into all that it looks through, and a page that is written to is shared no longer.
    gc.freeze()
    # What is buffered would be written by every process that inherits it.
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # There is none, or it is closed.
            stream.flush()
    address = connection.arbitrary_address("AF_UNIX")  # type: ignore[attr-defined]  # the stubs leave it out
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        os.chmod(address, 0o600)
        listener.listen()
        alive_r, alive_w = os.pipe()
        pid = os.fork()
        if pid == 0:
            _serve(listener, alive_r, alive_w)
    os.close(alive_r)
    server._forkserver_address, server._forkserver_alive_fd, server._forkserver_pid = address, alive_w, pid


def _serve(listener: socket.socket, alive_r: int, alive_w: int) -> NoReturn:
    """Be the fork server."""
    try:
        os.close(alive_w)
        # A fork server that a task starts for itself is none of ours.
        CONTEXT.set_forkserver_preload(["__main__"])
        forkserver.main(listener.detach(), alive_r, PRELOAD)
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(0)
