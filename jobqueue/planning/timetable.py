"""When something is to happen again and again: by cron in a time zone, or every so many seconds.

Reckons with moments that it is given, and knows neither a clock nor rows. All moments are aware, all ticks in UTC.

Summer time, by the rules of Debian's cron, which ``cronsim`` follows. A *fixed time* (neither the minute nor the hour
begins with a star) happens once on every day that has it by the calendar: when the hour is skipped, at the first minute
after it; when the hour comes twice, the first time. A *pattern* (``*/10 * * * *``) goes by time that passes: what it
names in a skipped hour is not, in an hour that comes twice it happens twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim

from ..conf import suggestion
from ..sentences import Sentence

LONGEST_CRON = 100
_INSTANT = timedelta(microseconds=1)
_FIELDS = Sentence("Five fields: minute, hour, day of month, month, day of week, as in '30 3 * * 1-5'.")


class Rhythm(Protocol):
    """What ticks."""

    def ticks(self, after: datetime) -> Iterator[datetime]:
        """Yield the ticks later than a moment, in order."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields, read in a time zone."""

    text: str
    zone: ZoneInfo

    def ticks(self, after: datetime) -> Iterator[datetime]:
        """Yield the ticks later than a moment, in order."""
        try:
            for tick in CronSim(self.text, after.astimezone(self.zone)):
                moment = tick.astimezone(UTC)
                # Within an hour that comes for the second time, a fixed time is the one of the first.
                if moment > after:
                    yield moment
                    after = moment
        except OverflowError:  # At the end of time.
            return


@dataclass(frozen=True, slots=True)
class Every:
    """Every so many seconds from a moment on, that one first: whatever happens in between, it does not drift."""

    seconds: int
    anchor: datetime

    def ticks(self, after: datetime) -> Iterator[datetime]:
        """Yield the ticks later than a moment, in order."""
        # In UTC: within a time zone, Python reckons as if no clock were ever put forward.
        period, anchor = timedelta(seconds=self.seconds), self.anchor.astimezone(UTC)
        number = max(0, (after.astimezone(UTC) - anchor) // period + 1)
        try:
            while True:
                yield anchor + number * period
                number += 1
        except OverflowError:
            return


@dataclass(frozen=True, slots=True)
class Timetable:
    """A rhythm between a beginning and an end, both of which are within it."""

    rhythm: Rhythm
    starts_at: datetime
    ends_at: datetime | None = None

    def ticks(self, after: datetime) -> Iterator[datetime]:
        """Yield the ticks later than a moment, in order."""
        ticks = self.rhythm.ticks(after if after >= self.starts_at else self.starts_at - _INSTANT)
        return ticks if self.ends_at is None else takewhile(lambda tick: tick <= self.ends_at, ticks)  # type: ignore[operator]

    def after(self, moment: datetime) -> datetime | None:
        """Return the first tick later than a moment, None when there is none."""
        return next(self.ticks(moment), None)

    def coming(self, moment: datetime, count: int) -> list[datetime]:
        """Return the next ticks after a moment."""
        return list(islice(self.ticks(moment), count))

    def latest(self, since: datetime, until: datetime, *, most: int) -> list[datetime]:
        """Return the last ticks between two moments, both included; ``most`` of them at most.

        However long the time between them, it reckons with little more ticks than it returns.
        """
        since, until, span = since.astimezone(UTC), until.astimezone(UTC), timedelta(hours=1)
        while True:
            begin = since if until - since <= span else until - span
            found = deque(takewhile(lambda tick: tick <= until, self.ticks(begin - _INSTANT)), maxlen=most)
            if begin == since or len(found) == most:
                return list(found)
            span *= 8


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; raises ValueError, saying what to do."""
    try:
        return ZoneInfo(name)
    except (LookupError, TypeError, ValueError, OSError):
        known = available_timezones()
        # There are six hundred: without a close one, a list would help nobody.
        none = Sentence(" Install the package tzdata: this system knows no time zones.")
        hint = suggestion(name, known) if known else none
        hint = hint if len(hint) < 100 else Sentence(" Use an IANA name, as in 'Europe/Berlin'.")
        raise ValueError(Sentence("%(name)r is no time zone.%(hint)s", name=name, hint=hint)) from None


def cron_of(text: str, zone: ZoneInfo) -> Cron:
    """Return the rhythm of a cron expression; raises ValueError, saying what to do."""
    if not isinstance(text, str) or len(text) > LONGEST_CRON:
        raise ValueError(
            Sentence(
                "A cron expression is a text of %(most)s characters at most. %(fields)s",
                most=LONGEST_CRON,
                fields=_FIELDS,
            )
        )
    if len(text.split()) != 5:
        raise ValueError(Sentence("%(text)r is no cron expression. %(fields)s", text=text, fields=_FIELDS))
    try:
        first = next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)), None)
    except Exception as error:  # It says what is bad by an error of its own, and of some texts by others.
        why = str(error) or Sentence("it cannot be read")
        raise ValueError(
            Sentence("%(text)r is no cron expression: %(why)s. %(fields)s", text=text, why=why, fields=_FIELDS)
        ) from None
    if first is None:
        raise ValueError(Sentence("%(text)r never comes: no day is one that it names.", text=text))
    return Cron(text, zone)
