"""The executor's process: the main thread runs jobs, the mailbox thread reads what the worker sends.

It dies with its worker: the mailbox ends the process when the pipe closes. A body in native code may keep every thread
from running, so where the kernel can be asked to, it ends this process with the fork server, and that with the worker.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import threading
import time
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import Any

import django

from ... import sessions
from ...lifecycle import Claim
from ...task import discover
from ..board import Board
from ..lifeline import die_with_parent
from ..messages import Ended, FromExecutor, Interrupt, Recall, Report, Returned, Run, Stop
from ..trust import Trust
from .interrupts import Interrupts
from .perform import Performer

_FLUSH_SECONDS = 0.01


def main(pipe: Connection[Any, Any], board: Board, trust: Trust, backend_alias: str, worker_id: str) -> None:
    """Run jobs until told to stop."""
    _die_with_fork_server()
    django.setup()
    discover()
    gc.freeze()
    # The worker decides when we stop; a terminal or a service manager signals all processes at once.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    sessions.mark(worker_id, os.getpid())
    mailbox = Mailbox(pipe, board, interrupts := Interrupts(board.body_over))
    performer = Performer(backend_alias, worker_id, trust=trust, interrupts=interrupts, tell=mailbox.send)
    mailbox.start()
    mailbox.send(Report([], _memory()))
    while (numbered := mailbox.next()) is not None:
        serial, claim = numbered
        board.begin(serial)
        ended = performer.perform(claim)
        board.end()
        mailbox.report(ended)
    mailbox.flush()


class Mailbox(threading.Thread):
    """Jobs in, reports out."""

    def __init__(self, pipe: Connection[Any, Any], board: Board, interrupts: Interrupts) -> None:
        super().__init__(name="jobqueue-mailbox", daemon=True)
        self._pipe = pipe
        self._board = board
        self._interrupts = interrupts
        self._inbox: SimpleQueue[tuple[int, Claim] | None] = SimpleQueue()
        self._sending = threading.Lock()
        self._ended: list[Ended] = []
        self._flushed_at = 0.0
        self._serial = 0

    def next(self) -> tuple[int, Claim] | None:
        """Wait for the next job and return it with its number; None when there will be no more."""
        return self._inbox.get()

    def report(self, ended: Ended) -> None:
        """Tell the worker that a job ended: at once when nothing else is to be done, with others while there is."""
        with self._sending:
            self._ended.append(ended)
        if self._inbox.empty() or time.monotonic() - self._flushed_at > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what has ended and was not told yet."""
        with self._sending:
            ended, self._ended = self._ended, []
            if ended:
                self._pipe.send(Report(ended, _memory()))
            self._flushed_at = time.monotonic()

    def send(self, message: FromExecutor) -> None:
        """Send a message."""
        with self._sending:
            self._pipe.send(message)

    def run(self) -> None:
        """Read what the worker sends until it is gone."""
        try:
            while True:
                self._receive(self._pipe.recv())
        except (EOFError, OSError):
            os._exit(0)

    def _receive(self, message: Any) -> None:
        match message:
            case Run(claims):
                for claim in claims:
                    self._serial += 1
                    self._inbox.put((self._serial, claim))
            case Recall():
                self.flush()
                self.send(Returned(self._take_back()))
            case Interrupt(job_id, why):
                self._interrupts.request(job_id, why)
            case Stop():
                self._inbox.put(None)

    def _take_back(self) -> list[int]:
        serials, stop = [], False
        with contextlib.suppress(Empty):
            while True:
                item = self._inbox.get_nowait()
                if item is None:
                    stop = True
                else:
                    serials.append(item[0])
        if stop:
            self._receive(Stop())
        return serials


def _die_with_fork_server() -> None:
    parent = os.getppid()
    die_with_parent()
    if os.getppid() != parent:
        os._exit(0)  # It died before the kernel was asked.


def _memory() -> int:
    """Return the resident memory of this process in bytes, 0 where that cannot be told cheaply."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
