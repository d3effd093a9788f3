"""The executor's process: the main thread runs jobs, the mailbox thread reads what the worker sends.

With several seats, each has a thread of its own; the main thread is one when it is the only one for functions.

It dies with its worker: the mailbox ends the process when the pipe closes. A body in native code may keep every thread
from running, so where the kernel can be asked to, it ends this process with the fork server, and that with the worker.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import django
from django.tasks import task_backends

from ... import mishaps, sessions
from ...conf import Options
from ...database import choose, connection, use
from ...lifecycle import Claim
from ...points import reached
from ...task import discover
from ..board import Board
from ..lifeline import die_with_parent
from ..messages import Ended, FromExecutor, How, Interrupt, Recall, Report, Returned, Run, Stop, Stopping
from ..seats import Seats
from ..trust import Trust
from . import files, forks, logbook
from .conscience import Conscience
from .interrupts import Interrupts, handler_of
from .lookout import Lookout
from .perform import Performer
from .running_loop import RunningLoop
from .threads import Seat, ThreadInterrupts

logger = logging.getLogger("jobqueue.worker")
_FLUSH_SECONDS = 0.01
_UNTRUSTED_SECONDS = 0.05
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def main(
    pipe: Connection[Any, Any],
    boards: Sequence[Board],
    seats: Seats,
    trust: Trust,
    backend_alias: str,
    worker_id: str,
    database: str | None = None,
    databases: Mapping[str, Any] | None = None,
) -> None:
    """Run jobs until told to stop, on the databases of the worker; of those on that alias, if one was chosen."""
    _die_with_fork_server()
    choose(database)
    use(databases or {})
    mishaps.role = "executor"
    django.setup()
    discover()
    keeps_logs = _options(backend_alias).log_lines > 0
    if keeps_logs:
        logbook.install()
    gc.freeze()
    sessions.mark(worker_id, os.getpid())
    loop = RunningLoop() if seats.share_a_loop else None
    lanes = {number: lane for lane, numbers in enumerate(seats.lanes) for number in numbers}
    interrupts = [_interrupts_of(number, board, seats) for number, board in enumerate(boards)]
    lookout = Lookout(loop, boards, interrupts, patience=_patience(backend_alias)) if loop else None
    performers: list[Performer] = []
    mailbox = Mailbox(pipe, seats, interrupts, interrupted=lookout.look if lookout else lambda: None)

    def performer_of(number: int) -> Performer:
        performer = Performer(
            backend_alias,
            worker_id,
            trust=trust,
            interrupts=interrupts[number],
            tell=mailbox.send,
            stopping=lambda: mailbox.stopping,
            loop=loop,
        )
        performers.append(performer)
        return performer

    def sit(number: int) -> None:
        sessions.sit(number)
        forks.share_out(connection())
        _run_jobs(mailbox, lanes[number], boards[number], performer_of(number), trust)

    forks.disown(pipe, connection(), _take_no_notice)
    _take_signals()
    others = [Seat(number, sit) for number in lanes if not _is_main(number, seats)]
    performer = performer_of(0) if len(others) < len(boards) else None
    for thread in [*others, *([loop] if loop else [])]:
        thread.start()
    mailbox.start()
    Conscience(boards, trust).start()
    if keeps_logs:
        logbook.Teller(performers).start()
    mailbox.send(Report([], mailbox.memory))
    if performer is not None:
        _run_jobs(mailbox, lanes[0], boards[0], performer, trust)
    for thread in others:
        thread.join()
    mailbox.flush()


def _patience(backend_alias: str) -> float:
    """Return how long the loop may stand still before it is said who keeps it: half of what is left before the kill."""
    return _options(backend_alias).kill_after_seconds / 2


def _options(backend_alias: str) -> Options:
    backend: Any = task_backends[backend_alias]
    options: Options = backend.settings
    return options


def _is_main(number: int, seats: Seats) -> bool:
    """Return whether a seat is the main thread: the only one for functions is, for a signal reaches it anywhere."""
    return number == 0 and seats.threads == 1


def _interrupts_of(number: int, board: Board, seats: Seats) -> Interrupts:
    return (Interrupts if _is_main(number, seats) else ThreadInterrupts)(board.body_over)


def _run_jobs(mailbox: Mailbox, lane: int, board: Board, performer: Performer, trust: Trust) -> None:
    """Run the jobs of a lane in this thread, until there will be no more."""
    in_main = threading.current_thread() is threading.main_thread()
    while (sent := mailbox.next(lane)) is not None:
        serial, claim, since = sent
        _wait_for_trust(trust)
        if since < trust.since():
            # Others may have it by now; what they have is not handed back.
            mailbox.report(lane, Ended(How.STALE, None, 0.0, serial))
            continue
        if in_main:
            _take_signals()
        board.begin(serial)
        ended = performer.perform(claim, serial)
        board.end()
        reached("report.before")
        mailbox.report(lane, ended)
        reached("report.after")
        if not mailbox.memory and files.used_up():
            mailbox.flush()
            files.end()


def _take_signals() -> None:
    """Have the worker alone decide when we stop, whatever a body has made of the signals, and outlive its alarm.

    A terminal or a service manager signals all processes at once.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        if handler_of(number) is not _take_no_notice:
            signal.signal(number, _take_no_notice)
            if number == signal.SIGALRM:
                signal.setitimer(signal.ITIMER_REAL, 0)


def _take_no_notice(_number: int, _frame: object) -> None:
    pass


class Sent(NamedTuple):
    """A job that is to be begun, by its number, and from when on it was certainly claimed."""

    serial: int
    claim: Claim
    since: float


class Mailbox(threading.Thread):
    """Jobs in, reports out."""

    def __init__(
        self,
        pipe: Connection[Any, Any],
        seats: Seats,
        interrupts: Sequence[Interrupts],
        *,
        interrupted: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(name="jobqueue-mailbox", daemon=True)
        self.memory = _memory()
        self.stopping = False
        self._pipe = pipe
        self._seats = seats
        self._has_company = seats.total > 1
        self._interrupts = interrupts
        self._interrupted = interrupted
        self._inboxes: list[SimpleQueue[Sent | None]] = [SimpleQueue() for _ in seats.lanes]
        self._sending = threading.Lock()
        self._ended: list[Ended] = []
        self._flushed_at = 0.0
        self._serial = 0

    def next(self, lane: int) -> Sent | None:
        """Wait for the next job of a lane and return it; None when there will be no more."""
        inbox = self._inboxes[lane]
        sent = inbox.get()
        if self._has_company and self._ended and (sent is None or inbox.empty()):
            self.flush()  # Who has ended in another seat thought that there was more to come.
        return sent

    def report(self, lane: int, ended: Ended) -> None:
        """Tell the worker that a job ended: at once when nothing else is to be done, with others while there is."""
        with self._sending:
            self._ended.append(ended)
        if self._inboxes[lane].empty() or time.monotonic() - self._flushed_at > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what has ended and was not told yet."""
        with self._sending:
            ended, self._ended = self._ended, []
            if ended:
                self.memory = _memory()
                self._pipe.send(Report(ended, self.memory))
            self._flushed_at = time.monotonic()

    def send(self, message: FromExecutor) -> None:
        """Send a message."""
        with self._sending:
            self._pipe.send(message)

    def run(self) -> None:
        """Read what the worker sends until it is gone."""
        status = 1
        try:
            while True:
                self._receive(self._pipe.recv())
        except (EOFError, OSError):
            status = 0
        except BaseException:
            # A body has used up the memory, or made something else of the pipe.
            logger.exception("This executor does not understand its worker any more: it ends.")
        finally:
            # Deaf, it would have jobs sent to it for ever.
            os._exit(status)

    def _receive(self, message: Any) -> None:
        match message:
            case Run(claims, since):
                shared = self._inboxes[0] if len(self._inboxes) == 1 else None
                for claim, at in zip(claims, since, strict=True):
                    self._serial += 1
                    inbox = shared if shared is not None else self._inboxes[self._seats.lane_of(claim.task_path)]
                    inbox.put(Sent(self._serial, claim, at))
            case Recall():
                serials = self._take_back()
                # Behind that: who ended while there was more to come has not told, and now there is no more.
                self.flush()
                self.send(Returned(serials))
            case Interrupt(job_id, why):
                for interrupts in self._interrupts:
                    interrupts.request(job_id, why)
                self._interrupted()
            case Stopping():
                self.stopping = True
            case Stop():
                self._say_that_is_all()

    def _take_back(self) -> list[int]:
        serials, stop = [], False
        for inbox in self._inboxes:
            with contextlib.suppress(Empty):
                while True:
                    item = inbox.get_nowait()
                    if item is None:
                        stop = True
                    else:
                        serials.append(item.serial)
        if stop:
            self._say_that_is_all()
        return serials

    def _say_that_is_all(self) -> None:
        for inbox, seats in zip(self._inboxes, self._seats.lanes, strict=True):
            for _ in seats:
                inbox.put(None)


def _wait_for_trust(trust: Trust) -> None:
    """Begin nothing that may be another's by now; whoever could end this is the worker, once it is awake."""
    while not trust.holds():
        time.sleep(_UNTRUSTED_SECONDS)


def _die_with_fork_server() -> None:
    parent = os.getppid()
    die_with_parent()
    if os.getppid() != parent:
        os._exit(0)  # It died before the kernel was asked.


def _memory() -> int:
    """Return the resident memory of this process in bytes, 0 where that cannot be told cheaply."""
    try:
        # Asked with each report: a file object would take three times as long.
        statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return int(os.read(statm, 128).split()[1]) * _PAGE_BYTES
    finally:
        os.close(statm)
