"""The main loop: claims what is due, hands it to executors, collects what they report, has it settled.

It runs in the main thread; each turn of it is a call of ``step()``. It never calls a task.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Container
from multiprocessing.connection import wait

from django.db import DatabaseError, InterfaceError

from ..database import connection
from ..lifecycle import Claim
from .burial import Burial
from .claimers import Claimers
from .crew import Crew, Executor, describe_exit
from .feed import Feed
from .holdings import Holding, Holdings
from .messages import Ended, How, Logged, Progress, Report, Returned
from .pace import Pace
from .reconciler import Reconciler
from .said import Said
from .scribe import Scribe
from .settler import Settler
from .trust import Trust

logger = logging.getLogger("jobqueue.worker")
_PAUSE_AFTER_ERROR = 0.5
_STUCK_TICK = 0.02
# While everybody has something to do: what the database is told together costs little more than one thing alone.
_TURN_SECONDS = 0.02
_LONGEST_WAIT = 0.5
_RETRY_UNKNOWN = 5.0
# Until somebody has made room, the body would only run in vain.
_RETRY_FULL = 10.0
# Who gives up his turn while nobody has to is behind those who wait, and does not keep everybody busy with that.
_NEXT_TURN = 1.0


class Dispatcher:
    """Turns the wheel."""

    def __init__(
        self,
        *,
        crew: Crew,
        holdings: Holdings,
        trust: Trust,
        settler: Settler,
        scribe: Scribe,
        claimer: Claimers,
        feed: Feed,
        burial: Burial,
        reconciler: Reconciler,
        pace: Pace,
        max_jobs: int | None,
        max_memory: int | None,
    ) -> None:
        self.claiming = True
        self.claimer = claimer
        self.room = threading.Event()
        self._crew = crew
        self._holdings = holdings
        self._trust = trust
        self._settler = settler
        self._scribe = scribe
        self._feed = feed
        self._burial = burial
        self._reconciler = reconciler
        self._pace = pace
        self._max_jobs = max_jobs
        self._max_memory = max_memory
        self._bell, self._button = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(self._button, False)
        self._quiet_until = 0.0
        self._turned_at = 0.0
        self._failing, self._said = False, Said()
        self._trusted_since = trust.since()

    def ring(self) -> None:
        """End the wait of the step that is under way; safe in threads and signal handlers."""
        try:
            os.write(self._button, b"!")
        except BlockingIOError:
            return  # It rings already.

    def woken(self) -> None:
        """Look for due jobs at once."""
        self.claimer.look_now()
        self.ring()

    def step(self, *, at_most: float = _LONGEST_WAIT) -> None:
        """Wait for something to happen, and do what follows from it; a database that is away is waited for."""
        ready = self._wait(min(at_most, self._patience()))
        for executor in self._crew.all():
            if executor.pipe in ready or executor.sentinel in ready:
                self._read(executor)
        self._feed.recall_stuck()
        if self._seconds_to_turn() <= 0:
            self._try_database()
        self._tell_room()

    def _seconds_to_turn(self) -> float:
        """Return in how many seconds the database may be asked again; at once when somebody will soon run dry."""
        pace = 0.0 if self._feed.room() > 0 else self._turned_at + _TURN_SECONDS
        return max(pace, self._quiet_until) - time.monotonic()

    def _tell_room(self) -> None:
        """Have hints of new jobs come here only while one could be taken; set at every step, it is cheap."""
        if self.claiming and not self._failing and self._trust.holds() and self._feed.room() > 0:
            self.room.set()
        else:
            self.room.clear()

    def _try_database(self) -> None:
        self._turned_at = time.monotonic()
        try:
            self._use_database()
        except (DatabaseError, InterfaceError) as error:
            self._quiet_until = time.monotonic() + _PAUSE_AFTER_ERROR
            self._failing = True
            self._said.warn("database", "The database does not answer (%s): trying again.", str(error).strip())
            connection().close()
        else:
            self._failing = False
            self._said.over("database")

    def idle(self) -> bool:
        """Return whether nothing is running and nothing more is due."""
        return self.claimer.nothing_due() and not self._holdings and not self._settler.owes()

    def _use_database(self) -> None:
        if self._settler.flush():
            self.claimer.look_now()
        self._reconciler.step()
        if not self.claiming or self._trusted_since != self._trust.since():
            # What was claimed before a gap may be another's by now.
            self._trusted_since = self._trust.since()
            self._feed.hand_back_spare()
        elif self._trust.holds():
            for claims in self.claimer.claim(self._feed.rooms()):
                self._feed.hand(claims)
            self._feed.deal_spare()
        if self._settler.flush():
            self.claimer.look_now()
        self._scribe.write()

    def _patience(self) -> float:
        if self._settler.owes_now():
            return max(0.0, self._seconds_to_turn())
        if self._feed.may_get_stuck():
            return _STUCK_TICK
        # Asked once: a job that turns out long leaves less room from one moment to the next.
        rooms = self._feed.rooms() if self.claiming and self._trust.holds() else []
        if any(room > 0 for room in rooms):
            return max(self.claimer.wait_seconds(rooms), self._quiet_until - time.monotonic())
        return _LONGEST_WAIT

    def _wait(self, seconds: float) -> Container[object]:
        """Return what has something to say; asking each by itself would cost more than all of them together."""
        executors = self._crew.all()
        ready = wait([self._bell, *(e.pipe for e in executors), *(e.sentinel for e in executors)], seconds)
        if self._bell in ready:
            os.read(self._bell, 4096)
        return ready

    def _read(self, executor: Executor) -> None:
        """Read all that an executor has to say, to its last word."""
        died = executor.exit_code is not None
        try:
            while executor.pipe.poll():
                self._receive(executor, executor.pipe.recv())
        except (EOFError, OSError):
            pass  # The sentinel tells of its death, if not now, then in the next step.
        except Exception as error:
            # A body has written to a file that is not its own.
            logger.warning("What executor %s says cannot be read (%r): killing it.", executor.pid, error)
            executor.kill()
        if died:
            self._bury(executor)

    def _bury(self, executor: Executor) -> None:
        code = executor.exit_code
        if not (executor.retiring and code == 0):
            logger.warning("Executor %s is gone: %s.", executor.pid, describe_exit(code))
        self._burial.of(executor, code)
        self._crew.remove(executor)

    def _receive(self, executor: Executor, message: object) -> None:
        match message:
            case Report(ended, memory):
                executor.up, executor.memory = True, memory
                self._holdings.books.ended(filter(None, [self._end(executor, end) for end in ended]))
                self._retire_worn_out(executor)
            case Returned(serials):
                self._feed.take_back(executor, serials)
            case Progress(job_id, state):
                holding = self._holdings.get(job_id)
                if holding is not None:
                    holding.progress = state
            case Logged(serial, lines):
                if (logging_one := executor.outstanding.get(serial)) is not None:  # Else its end has told more.
                    self._scribe.note(logging_one, lines)

    def _end(self, executor: Executor, end: Ended) -> tuple[Claim, Ended] | None:
        """Have an end written down; return what is to be counted of it, None of a claim that is not ours any more."""
        claim = executor.take(end.serial)
        executor.jobs_done += 1
        self._pace.note(end.seconds)
        if claim is not None and end.log:
            self._scribe.note(claim, end.log)
        holding = self._holdings.get(claim.job_id) if claim is not None else None
        if claim is None or holding is None or holding.claim is not claim:
            return None
        match end.how:
            case How.VALUE:
                self._settler.value(holding, end.value)
            case How.HANDED_BACK | How.NO_ROOM | How.STALE | How.UNKNOWN:
                self._hand_back(holding, end.how)
            case How.FAILED:
                self._settler.over(holding)
                self.claimer.look_now()  # It may be due again, or soon.
            case How.SETTLED | How.LOST:
                self._settler.over(holding)
        return claim, end

    def _hand_back(self, holding: Holding, how: How) -> None:
        match how:
            case How.STALE:
                self._settler.hand_back(holding)
            case How.UNKNOWN:
                self._settler.hand_back(holding, delay=_RETRY_UNKNOWN)
            case How.NO_ROOM:
                self._settler.hand_back(holding, started=True, delay=_RETRY_FULL)
            case _:
                self._settler.hand_back(holding, started=True, delay=_NEXT_TURN if self.claiming else 0.0)

    def _retire_worn_out(self, executor: Executor) -> None:
        old = self._max_jobs is not None and executor.jobs_done >= self._max_jobs
        fat = self._max_memory is not None and executor.memory > self._max_memory
        if (old or fat) and not executor.retiring:
            executor.retire()
