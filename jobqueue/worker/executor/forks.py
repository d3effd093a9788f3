"""What becomes of a process that a body forks: it is no executor, whatever it has inherited from one.

It has a copy of everything: of the pipe, so that nobody would see the executor die in the middle of a message; of the
connection to the database, on which two processes would read each other's answers; and of the place where the body goes
back to, from which it would settle the job a second time. So it begins without the pipe, without connections (the first
statement opens one of its own, outside of the fence) and without a job, and it ends where the body ends. And SIGTERM
ends it, or a pool of processes could not be told to stop.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ...current import running

# Whether this process was forked off an executor: to ask the kernel who we are, for each job, takes longer.
_is_fork = False
# What is collected is closed, and some clients then tell the server to end the session, which is the executor's.
_kept: list[object] = []
# Those of all threads: in a process that one of them forks, the others are not there any more.
_ours: list[BaseDatabaseWrapper] = []


def disown(
    pipe: Connection[Any, Any], connection: BaseDatabaseWrapper, takes_no_notice: Callable[[int, Any], None]
) -> None:
    """Have every process that is forked off this one from now on begin with nothing of ours, nor with our handler."""
    share_out(connection)

    def begin() -> None:
        global _is_fork
        _is_fork = True
        with suppress(OSError):
            pipe.close()
        running.set(None)
        for number in (signal.SIGTERM, signal.SIGALRM):
            if signal.getsignal(number) is takes_no_notice:
                signal.signal(number, signal.SIG_DFL)
        ours = {each.alias: each for each in connections.all(initialized_only=True)}
        for alias in ours:
            del connections[alias]
        for each in (*_ours, *ours.values()):
            _kept.append(each.connection)
            each.connection = None

    os.register_at_fork(after_in_child=begin)


def share_out(connection: BaseDatabaseWrapper) -> None:
    """Note the connection of a thread that runs jobs, so that a process that another thread forks is without it."""
    _ours.append(connection)


def end_here_if_forked() -> None:
    """End this process if it has come out of a body without being the one that went in."""
    if _is_fork:
        _end()


def _end() -> NoReturn:
    """End a process as the interpreter would, but without what it does for its parent at its own end."""
    error = sys.exc_info()[1]
    status = 0
    with suppress(BaseException):
        if isinstance(error, SystemExit):
            status = error.code if isinstance(error.code, int) else int(error.code is not None)
        elif error is not None:
            status = 1
            sys.excepthook(type(error), error, error.__traceback__)
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status & 0xFF)
