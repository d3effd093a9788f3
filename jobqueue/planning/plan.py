"""What a schedule says, wherever it comes from: which task, with what, when, and what of missed ticks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.conf import settings
from django.tasks.exceptions import InvalidTask
from django.utils import timezone

from .. import payload
from ..conf import is_number, suggestion
from ..errors import InvalidArguments, UnknownTask
from ..redaction import shown_parameters
from ..sentences import Sentence, said
from ..spelling import on_one_line
from ..task import JobTask, find
from .timetable import Every, Timetable, cron_of, zone_of

SKIP, LAST, ALL = "skip", "last", "all"
MISSED = (SKIP, LAST, ALL)
LONGEST_NAME = 200
MOST = 1000
_MOST_SECONDS = 10 * 366 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A schedule, wherever it comes from; nothing of it has to be right before ``mistakes()`` was asked."""

    name: str
    task_path: str
    arguments: Any
    cron: str = ""
    every: int | None = None
    time_zone: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    queue: str = ""
    priority: int | None = None
    missed: str = LAST
    most: int = 10
    grace: int = 60

    def mistakes(self) -> dict[str, str]:
        """Return what is wrong, by field, each as a sentence that says what to do."""
        return {**self._bad_name(), **self._bad_rhythm(), **self._bad_call(), **self._bad_numbers()}

    def timetable(self, anchor: datetime | None = None) -> Timetable:
        """Return when it is due; ``anchor`` is where it begins if it does not say. Raises ValueError."""
        start = self.starts_at or anchor or timezone.now()
        if self.every is None:
            return Timetable(cron_of(self.cron, zone_of(self.time_zone)), start, self.ends_at)
        if not is_number(self.every, least=1, whole=True) or self.every > _MOST_SECONDS:
            raise ValueError(
                Sentence("every must be a whole number of seconds, 1 or more, not %(value)r.", value=self.every)
            )
        return Timetable(Every(self.every, start), start, self.ends_at)

    def task(self) -> JobTask:
        """Return its task, with its own queue and priority; raises UnknownTask, and InvalidTask for these."""
        return find(self.task_path).using(queue_name=self.queue or None, priority=self.priority)

    def call(self) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments; raises ValueError for what is none."""
        match self.arguments:
            case {"args": list(args), "kwargs": dict(kwargs)} if len(self.arguments) == 2:
                return args, kwargs
        raise ValueError(Sentence('The arguments must be {"args": […], "kwargs": {…}}.'))

    def _bad_name(self) -> dict[str, str]:
        name: Any = self.name
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or on_one_line(name) != name:
            return {
                "name": Sentence("A name is 1 to %(most)s characters that can be seen, on one line.", most=LONGEST_NAME)
            }
        return {}

    def _bad_rhythm(self) -> dict[str, str]:
        if bool(self.cron) == (self.every is not None):
            both = Sentence("Say cron, as in '30 3 * * *', or every, a number of seconds: not both.")
            none = Sentence("Say cron, as in '30 3 * * *', or every, a number of seconds: one of them.")
            return {"cron": both if self.cron else none}
        try:
            zone = zone_of(self.time_zone)
        except ValueError as error:
            return {"time_zone": said(error)}
        try:
            if self.cron:
                cron_of(self.cron, zone)
            self.timetable()
        except ValueError as error:
            return {"cron" if self.cron else "every": said(error)}
        for name in ("starts_at", "ends_at"):
            moment = getattr(self, name)
            if moment is not None and (not isinstance(moment, datetime) or timezone.is_naive(moment)):
                return {name: Sentence("%(field)s must be an aware datetime, not %(value)r.", field=name, value=moment)}
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            return {"ends_at": Sentence("It ends before it starts.")}
        return {}

    def _bad_call(self) -> dict[str, str]:
        try:
            task = self.task()
        except UnknownTask as error:
            return {"task_path": said(error)}
        except InvalidTask as error:
            return {"queue": said(error)}
        try:
            args, kwargs = self.call()
            backend: Any = task.get_backend()
            payload.dump_arguments(args, kwargs, limit=backend.settings.max_argument_bytes)
            task.signature().bind(*args, **kwargs)
        except InvalidArguments as error:
            return {"arguments": payload.why_refused(error)}
        except TypeError as error:
            call = f"{self.task_path}{shown_parameters(task)}"
            return {"arguments": Sentence("They do not fit %(call)s: %(error)s.", call=call, error=error)}
        except ValueError as error:
            return {"arguments": said(error)}
        return {}

    def _bad_numbers(self) -> dict[str, str]:
        if self.missed not in MISSED:
            return {"missed": _unknown_missed(self.missed)}
        if not is_number(self.most, least=1, whole=True) or self.most > MOST:
            return {"most": _bad_most(self.most)}
        if not is_number(self.grace, least=0, whole=True) or self.grace > _MOST_SECONDS:
            return {"grace": _bad_grace(self.grace)}
        return {}


def _unknown_missed(given: object) -> str:
    return Sentence("missed=%(value)r is unknown.%(hint)s", value=given, hint=suggestion(given, MISSED))


def _bad_most(given: object) -> str:
    return Sentence("most must be a whole number from 1 to %(most)s, not %(value)r.", most=MOST, value=given)


def _bad_grace(given: object) -> str:
    return Sentence("grace must be a whole number of seconds, 0 or more, not %(value)r.", value=given)


def default_time_zone() -> str:
    """Return the time zone of the settings."""
    return settings.TIME_ZONE


def no_arguments() -> dict[str, Any]:
    """Return the arguments of a call without any."""
    return {"args": [], "kwargs": {}}


PLAN_FIELDS = tuple(field.name for field in fields(Plan))
