"""Looks after jobs that wait for a COMMIT on another database, when whoever enqueued them does not.

The transaction was undone, or the caller died. This is a thread of its own: that database may not answer, and nothing
else shall wait for it.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connections

from .. import ledger, lifecycle
from ..database import chosen, connection, gave_way
from .said import Said

logger = logging.getLogger("jobqueue.worker")
_PERIOD_SECONDS = 2.0
# Only to spare the caller, who mostly opens the gate at once: the judgement itself goes by no clock.
_AFTER = timedelta(seconds=3)
_LOT = 1000
_LONGEST_PAUSE = 60.0
_FORGET_SECONDS = 600.0
_FORGET_LOT = 1000


class Judge:
    """Judges what waits for longer than a moment. Every worker has one where DATABASES has several aliases."""

    def __init__(self) -> None:
        # A transaction may be open for long: it is asked about ever less often. By job: when next, and the pause.
        self._later: dict[UUID, tuple[float, float]] = {}
        self._next_forget = time.monotonic() + _FORGET_SECONDS
        self._looked_to: dict[str, int] = {}
        self._said = Said()

    def tick(self) -> float:
        """Judge what there is to; raises DatabaseError when the database of the jobs does not answer."""
        waiting = lifecycle.waiting_for_commit(older_than=_AFTER, limit=_LOT)
        self._later = {job_id: self._later[job_id] for job_id, _ in waiting if job_id in self._later}
        for database in dict.fromkeys(name for _, name in waiting):
            self._judge([job_id for job_id, name in waiting if name == database], database)
        if time.monotonic() >= self._next_forget:
            self._next_forget = time.monotonic() + _FORGET_SECONDS
            self._forget()
        return _PERIOD_SECONDS

    def _judge(self, job_ids: list[UUID], database: str) -> None:
        if database not in connections.settings:
            self._said.warn(
                database, "Jobs wait for a COMMIT on %r, which this worker's DATABASES does not have.", database
            )
            return
        try:
            for job_id in job_ids:
                self._judge_unless_locked(job_id, database)
        except (DatabaseError, InterfaceError) as error:
            told = str(error).strip()
            self._said.warn(database, "Jobs wait for a COMMIT on %r, and it cannot be asked for: %s", database, told)
        else:
            self._said.over(database)
        finally:
            # Seldom needed, and not to be kept by every worker.
            connections[database].close()

    def _judge_unless_locked(self, job_id: UUID, database: str) -> None:
        try:
            self._judge_one(job_id, database)
        except OperationalError as error:
            # One that somebody has locked is to keep no other from going on.
            if not gave_way(connection(), error):
                raise

    def _judge_one(self, job_id: UUID, database: str) -> None:
        due, pause = self._later.get(job_id, (0.0, _PERIOD_SECONDS))
        if time.monotonic() < due:
            return
        committed = lifecycle.judge_commit(job_id, database=database)
        if committed is None:
            self._later[job_id] = time.monotonic() + pause, min(2 * pause, _LONGEST_PAUSE)
        else:
            what = "goes on, for its caller has committed" if committed else "is gone: its caller's work was undone"
            logger.info("Job %s, which waited for a COMMIT on %s, %s.", job_id, database, what)

    def _forget(self) -> None:
        # A process that was told where its jobs are may be one of several, each with jobs elsewhere, that write there.
        if chosen() is not None:
            return
        for database in connections.settings:
            if database == connection().alias:
                continue
            try:
                ledger.forget_markers(connections[database], connection(), limit=_FORGET_LOT)
                after = self._looked_to.get(database, 0)
                further = ledger.forget_jobs_that_are_gone(connections[database], after=after, limit=_FORGET_LOT)
                self._looked_to[database] = further or 0
            except (DatabaseError, InterfaceError):
                continue  # Another database need not have a ledger.
            finally:
                connections[database].close()
