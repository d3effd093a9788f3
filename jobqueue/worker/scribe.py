"""What executors tell of the logs of their jobs, kept until it is written down: together, a few times a second at most.

Nothing waits for it. A worker that is killed takes with it what it was told in its last moment.
"""

from __future__ import annotations

import logging
import time

from django.db import DataError, IntegrityError, OperationalError, ProgrammingError

from .. import lifecycle
from ..database import connection, gave_way
from ..lifecycle import Claim
from ..lifecycle.keep_logs import Claimed

logger = logging.getLogger("jobqueue.worker")
WRITE_SECONDS = 0.25
_GIVE_WAY_SECONDS = 1.0


class Scribe:
    """The logs that are not written down yet. One thread uses it, so no older lines are written over newer ones."""

    def __init__(self) -> None:
        self._told: dict[Claimed, str] = {}
        self._next = 0.0

    def note(self, claim: Claim, lines: str) -> None:
        """Take the last lines of a claim, in place of what was told of it before."""
        self._told[claim.job_id, claim.token] = lines

    def write_all(self, seconds: float) -> None:
        """Write down all that was told, and give way to others for so long at most; raises DatabaseError."""
        until = time.monotonic() + seconds
        self.write(at_once=True)
        while self._told and time.monotonic() < until:
            time.sleep(WRITE_SECONDS)
            self.write(at_once=True)
        if self._told:
            logger.warning("The last lines that %s jobs have logged are lost: others write.", len(self._told))

    def write(self, *, at_once: bool = False) -> None:
        """Write down what was told, when it is time to; raises DatabaseError, and keeps it then."""
        if not self._told or (not at_once and time.monotonic() < self._next):
            return
        self._next = time.monotonic() + WRITE_SECONDS
        told = dict(self._told)
        try:
            lifecycle.keep_logs(told)
        except (DataError, IntegrityError, ProgrammingError) as error:
            # It would be refused the next time, too, and no log is worth a worker.
            logger.warning("The lines that %s jobs have logged cannot be stored: %s", len(told), error)
        except OperationalError as error:
            if not gave_way(connection(), error):
                raise
            self._next = time.monotonic() + _GIVE_WAY_SECONDS
            return
        self._told = {}
