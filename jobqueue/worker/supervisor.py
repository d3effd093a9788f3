"""Starts the parts of a worker and stops them in the right order.

Stopping: no more claims; what has not begun is handed back; running jobs may end within the grace; what still runs
then is killed and handed back, uncharged. Renewing stops last, so nobody rescues what is still coming to its end.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, connections

from .. import checks, mishaps, sessions
from ..backend import JobQueueBackend, wake_workers
from ..leases import wake_of
from ..limits import Policies
from ..models import Outcome
from ..points import reached
from ..queues import Queues
from ..schedules import publish_declared
from ..task import discover, registered
from .bookkeeper import Bookkeeper
from .burial import Burial
from .claimer import Claimer
from .claimers import Claimers
from .crew import CONTEXT, Crew, Doom
from .dispatcher import Dispatcher
from .doorkeeper import Doorkeeper
from .feed import Feed
from .holdings import Holdings
from .judge import Judge
from .keeper import Keeper
from .listener import Listener
from .loop import Loop
from .pace import Pace
from .reconciler import Reconciler
from .registration import Identity, beat, publish_definitions, sign_off
from .renewer import Heartbeat, LeaseRenewer
from .scribe import Scribe
from .seats import Seats
from .settler import Settler
from .timekeeper import Timekeeper
from .trust import Trust
from .watchdog import Watchdog

logger = logging.getLogger("jobqueue.worker")

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_AFTER_KILL = 5.0
_SIGN_OFF_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `runworkers` was asked for. `grace` is in seconds, `max_memory` in bytes; `queues` are words for Queues."""

    queues: Sequence[str]
    in_order: bool = False
    concurrency: int
    seats: Seats = field(default_factory=Seats)
    burst: bool = False
    max_jobs: int | None = None
    max_memory: int | None = None
    grace: float = 25.0
    name: str = ""


class Supervisor:
    """One worker, from its start to its end."""

    def __init__(self, backend: JobQueueBackend, settings: Settings) -> None:
        discover()
        tasks = registered()
        options, self._settings = backend.settings, settings
        name = settings.name or socket.gethostname()
        self.identity = Identity(
            id=f"{name[:100]}-{uuid.uuid4().hex[:8]}",
            name=name[:100],
            hostname=socket.gethostname(),
            pid=os.getpid(),
            backend=backend.alias,
            queues=settings.queues,
            concurrency=settings.concurrency,
            seats=settings.concurrency * settings.seats.total,
            lease_seconds=options.lease_seconds,
        )
        self._tasks, self._options = tasks, options
        queues = self._queues(backend)
        self._leases = leases = backend.leases()
        wake = wake_of(options)
        self._trust = Trust(CONTEXT, lease_seconds=options.lease_seconds, margin_seconds=options.margin_seconds)
        self._holdings = Holdings(Bookkeeper(backend.alias))
        self._crew = Crew(
            settings.concurrency,
            trust=self._trust,
            backend=backend.alias,
            worker_id=self.identity.id,
            seats=settings.seats,
        )
        doorkeeper = Doorkeeper(backend.alias, wake=wake_workers)
        self._settler = Settler(self._holdings, leases, self.identity.id, wake=backend.wake, doorkeeper=doorkeeper)
        self._scribe = Scribe()
        pace = Pace()
        self._feed = Feed(self._crew, self._holdings, self._settler, pace)
        self._stops = 0
        self._listening: Loop | None = None
        self.dispatcher = Dispatcher(
            crew=self._crew,
            holdings=self._holdings,
            trust=self._trust,
            settler=self._settler,
            scribe=self._scribe,
            claimer=Claimers([self._claimer(paths, self._queues(backend)) for paths in self._paths_of_lanes()]),
            feed=self._feed,
            burial=Burial(self._holdings, self._settler, self._feed, options),
            reconciler=Reconciler(
                self.identity.id,
                self._holdings,
                self._crew,
                self._settler,
                period=min(2.0, options.renew_seconds),
                patience=options.margin_seconds,
            ),
            pace=pace,
            max_jobs=settings.max_jobs,
            max_memory=settings.max_memory,
        )
        heartbeat = Heartbeat(
            self._holdings,
            self._crew,
            self._trust,
            self.identity,
            period=options.renew_seconds,
            counts_renewals=leases is None,
        )
        watchdog = Watchdog(self._crew, self._trust, options)
        woken = self.dispatcher.woken
        keeper = Keeper(
            backend.alias,
            self.identity.id,
            leases,
            options,
            woken=woken,
            doorkeeper=doorkeeper,
            timekeeper=Timekeeper(woken=woken),
            books=self._holdings.books,
        )
        self._heart = Loop("heartbeat", heartbeat.tick)
        self._renewing = [self._heart]
        if leases is not None:
            renewer = LeaseRenewer(leases, self._holdings, self._trust, self.identity, period=options.renew_seconds)
            self._renewing.append(Loop("renewer", renewer.tick))
        self._helping = [Loop("watchdog", watchdog.tick), Loop("keeper", keeper.tick)]
        if len(connections.settings) > 1:
            self._helping.append(Loop("judge", Judge().tick))
        # A hint that comes for any queue would reach one that serves others; who cannot name its queues polls.
        if wake is not None and (queues.names or queues.are_all):
            listener = Listener(wake, queues.names or (), room=self.dispatcher.room, woken=self.dispatcher.woken)
            self._listening = Loop("listener", listener.tick)
            self._helping.append(self._listening)

    def _queues(self, backend: JobQueueBackend) -> Queues:
        """Return the queues to serve; each claimer needs its own, for they take turns in it."""
        return Queues(self._settings.queues, known=backend.queues, in_order=self._settings.in_order)

    def _claimer(self, paths: list[str], queues: Queues) -> Claimer:
        return Claimer(
            self.identity,
            paths,
            queues,
            self._holdings,
            self._settler,
            self._leases,
            self._options,
            hinted=lambda: self._listening is not None and not self._listening.failing,
            policies=Policies(self._tasks),
        )

    def _paths_of_lanes(self) -> list[list[str]]:
        """Return which tasks each lane of seats is for."""
        seats, paths = self._settings.seats, [task.module_path for task in self._tasks]
        return [[path for path in paths if seats.lane_of(path) == lane] for lane in range(len(seats.lanes))]

    def run(self) -> None:
        """Work until told to stop, or in a burst until nothing is due."""
        self._take_signals()
        mishaps.announce()
        sessions.mark(self.identity.id, self.identity.pid)
        reached("sign-in.before")
        publish_definitions(self._tasks, self._options)
        publish_declared()
        sent = time.monotonic()
        beat(self.identity, [])
        reached("sign-in.after")
        sessions.hurry()
        logger.info(
            "Worker %s started: pid %s, %s executors, queues %s, lease %g s.",
            self.identity.id,
            self.identity.pid,
            self._settings.concurrency,
            ", ".join(self._settings.queues) or "all",
            self._options.lease_seconds,
        )
        for message in checks.check_server(self._leases, self._options):
            logger.warning("%s %s", message.msg, message.hint)
        self._trust.extend(sent)
        for loop in [*self._renewing, *self._helping]:
            loop.start()
        try:
            while not self._stops:
                if self._crew.fill():
                    self._heart.nudge()
                self.dispatcher.step()
                if self._settings.burst and self.dispatcher.idle():
                    break
        finally:
            self._shut_down()

    def stop(self) -> None:
        """Ask the worker to stop; asked a second time, it stops without grace. Safe in threads and signal handlers."""
        self._stops += 1
        self.dispatcher.ring()

    def _take_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in STOPPING:
                # Who starts it by nohup wants it to outlive the terminal.
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                    signal.signal(number, lambda *_: self.stop())

    def _shut_down(self) -> None:
        logger.info("Worker %s stops: %s jobs are under way.", self.identity.id, len(self._holdings))
        self.dispatcher.claiming = False
        for executor in self._crew.all():
            executor.tell_stopping()
        self._feed.recall_all()
        self._step_until(lambda: not self._busy(), seconds=self._settings.grace, forced=lambda: self._stops > 1)
        for executor in self._crew.all():
            if executor.outstanding:
                executor.kill(Doom(Outcome.RELEASED, "The worker stopped and the job did not end within its grace."))
            else:
                executor.retire()
        self._step_until(lambda: not self._crew.all() and not self._owes(), seconds=_AFTER_KILL)
        for executor in self._crew.all():
            executor.kill()
        for loops in (self._helping, self._renewing):
            for loop in loops:
                loop.stop()
            for loop in loops:
                loop.join(timeout=_AFTER_KILL)
        self._sign_off()

    def _busy(self) -> bool:
        return any(executor.outstanding for executor in self._crew.all()) or self._owes()

    def _owes(self) -> bool:
        return self._settler.owes() or self._feed.has_spare()

    def _step_until(
        self, done: Callable[[], bool], *, seconds: float, forced: Callable[[], bool] = lambda: False
    ) -> None:
        deadline = time.monotonic() + seconds
        while not done() and not forced() and time.monotonic() < deadline:
            self.dispatcher.step(at_most=0.1)

    def _sign_off(self) -> None:
        try:
            sign_off(self.identity)
            self._holdings.books.write(at_once=True)
            self._scribe.write_all(_SIGN_OFF_SECONDS)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Worker %s could not sign off: %s", self.identity.id, str(error).strip())
        sessions.forget()
        connections.close_all()
        logger.info("Worker %s stopped; %s jobs are left to be rescued.", self.identity.id, len(self._holdings))
