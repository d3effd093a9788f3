"""Has schedules tick when it is time, and tells of those that cannot. Every worker has one; none of them leads.

Each schedule ticks by itself, in a transaction of its own: what keeps one from it holds up no other.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import DatabaseError

from .. import schedules
from ..errors import InvalidSchedule
from ..schedules import Due
from ..spelling import on_one_line

logger = logging.getLogger("jobqueue.worker")
# What could not be done may be possible now: its task's settings are of this process, and a row may have been edited.
_AGAIN_SECONDS = 60.0
_SHORTEST_PAUSE = 0.02


class Timekeeper:
    """Looks at all schedules; ``woken`` is called when there is a new job."""

    def __init__(self, *, woken: Callable[[], None]) -> None:
        self._woken = woken
        self._failed_at: dict[int, float] = {}
        self._told: dict[int, str] = {}

    def look(self, *, at_most: float) -> float:
        """Have those tick that are due; return in how many seconds to look again. Raises DatabaseError.

        That is when the next one is due, by the database's clock, or after ``at_most`` seconds, for what is new then.
        """
        found = schedules.outlook()
        if found.due and self._tick_all():
            found = schedules.outlook()
            if found.due:  # It may have become so meanwhile.
                return _SHORTEST_PAUSE
        return at_most if found.wait is None else min(at_most, max(found.wait, _SHORTEST_PAUSE))

    def _tick_all(self) -> bool:
        """Return whether any has ticked; raises the last error of the database once all had their turn."""
        broken: DatabaseError | None = None
        ticked = False
        due = schedules.due()
        for one in due:
            if not self._is_worth_it(one):
                continue
            try:
                ticked |= self._tick(one)
            except DatabaseError as error:
                broken = error
        if broken is not None:
            raise broken
        return ticked

    def _is_worth_it(self, one: Due) -> bool:
        """Return whether it may be possible: else it failed here, and nobody has edited or done it since."""
        failed_at = self._failed_at.get(one.pk)
        return failed_at is None or not one.fault or time.monotonic() - failed_at > _AGAIN_SECONDS

    def _tick(self, one: Due) -> bool:
        try:
            ticked = schedules.tick(one.pk)
        except InvalidSchedule as error:
            self._tell(one, str(error))
            return False
        if ticked is None:
            return False
        if ticked.passed_over is not None:
            since = ticked.passed_over.isoformat(sep=" ", timespec="seconds")
            amends = "what runs now makes up for them" if ticked.job_ids else "they are not made up for"
            logger.warning("Schedule %s missed ticks from %s on: %s.", ticked.name, since, amends)
        for job_id in ticked.job_ids:
            logger.info("Schedule %s ticked: job %s.", ticked.name, job_id)
        if ticked.job_ids:
            self._woken()
        return True

    def _tell(self, one: Due, reason: str) -> None:
        """Write down why it cannot be done; say so once, and not again when another worker did."""
        self._failed_at[one.pk] = time.monotonic()
        is_news = schedules.find_fault(one.pk, reason)
        if is_news and self._told.get(one.pk) != reason:
            self._told[one.pk] = reason
            logger.error("Schedule %s cannot tick: %s", one.name, on_one_line(reason))
