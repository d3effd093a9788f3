"""When something is to be, as people type it: a moment, or how long until then. Imports nothing of the package."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.forms.utils import from_current_timezone
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

_DELAY = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?\s*[smhd]\s*)+", re.ASCII | re.IGNORECASE)
_PART = re.compile(r"([\d.]+)\s*([smhd])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 100
# Whoever means longer than that has mistyped.
_FARTHEST = timedelta(days=366)


class NoMoment(ValueError):
    """Why a text is no moment that is to come; says what to do."""


def moment_of(text: str, *, now: datetime) -> datetime:
    """Return the moment that a text means: ``2h``, ``1h30m``, or ISO 8601, in the current time zone if it names none.

    Raises NoMoment for what is neither, is over, or is more than a year away.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        raise NoMoment(_unread())
    moment = now + _delay(text) if _DELAY.fullmatch(text) else _read(text)
    if moment <= now:
        raise NoMoment(_("That moment is over by now: give one that is to come."))
    if moment > now + _FARTHEST:
        raise NoMoment(_far())
    return moment


def example() -> str:
    """Return a moment as people type it: tomorrow evening."""
    return f"{timezone.localtime() + timedelta(days=1):%Y-%m-%d} 18:00"


def _delay(text: str) -> timedelta:
    seconds = sum(float(number) * _SECONDS[unit.lower()] for number, unit in _PART.findall(text))
    if seconds > _FARTHEST.total_seconds():
        raise NoMoment(_far())
    return timedelta(seconds=seconds)


def _read(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise NoMoment(_unread())
    if timezone.is_aware(moment):
        return moment
    try:
        found: datetime = from_current_timezone(moment)
    except ValidationError as error:  # The hour that a change of the clocks leaves out, or has twice.
        raise NoMoment(" ".join(error.messages)) from None
    return found


def _unread() -> str:
    text = _("This is no moment: give a delay, as 30m, 2h or 1d, or a time, as %(example)s.")
    return text % {"example": example()}


def _far() -> str:
    return _("That is more than a year away.")
