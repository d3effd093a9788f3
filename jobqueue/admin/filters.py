"""Filters of the list of jobs. Choices come from settings and definitions: a million jobs are not asked for them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.tasks import TaskResultStatus
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ..backend import backends
from ..conf import EFFECTS
from ..database import alias
from ..models import Attempt, Gate, Job, Outcome, TaskDefinition
from ..tags import known_tags
from .inert import breakable
from .liveness import not_signed_off_for
from .numbers import number
from .tasks import task_paths

# How many jobs are looked at, the newest first, where no index helps.
NEWEST = 100_000
_WORKERS = 50
_TAGS = 50
_DECLARED = "jobqueue_declared"
_APART = frozenset({TaskResultStatus.READY, TaskResultStatus.RUNNING, TaskResultStatus.FAILED})


class ExactFilter(SimpleListFilter):
    """Keeps the jobs with one value of one column."""

    column: str

    def values(self, request: HttpRequest) -> Iterable[str]:
        """Return the values to choose from."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices; also the one in use, which may come from a link and be known no longer."""
        values = dict.fromkeys(self.values(request))
        if (chosen := self.value()) and chosen not in values:
            values[chosen] = None
        return [(value, breakable(value)) for value in values]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the jobs with the chosen value."""
        value = self.value()
        if value is None:
            return queryset
        # A text with a NUL is in no column, and an error of some databases.
        return queryset.none() if "\0" in value else self.chosen(queryset, value)

    def chosen(self, queryset: Any, value: str) -> Any:
        """Return the jobs with a value that the database takes."""
        return queryset.filter(**{self.column: value})


class RecentFilter(ExactFilter):
    """By a column without an index: looks only so far back, and says so."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the jobs with the chosen value: all of a status that an index keeps apart, else the newest ones."""
        chosen = super().queryset(request, queryset)
        if self.value() is None or request.GET.get(StatusFilter.parameter_name) in _APART:
            return chosen
        newest = Job.objects.using(alias()).order_by("-id").values_list("pk", flat=True)
        edge = newest[NEWEST : NEWEST + 1].first()
        if edge is None:
            return chosen
        self.title = __("%(column)s, among the newest %(count)s; with a status, among all") % {
            "column": self.title,
            "count": number(NEWEST),
        }
        return chosen.filter(pk__gt=edge)


class StatusFilter(ExactFilter):
    """By status."""

    title, parameter_name, column = _("status"), "status", "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return Django's four."""
        return list(TaskResultStatus.choices)


class OutcomeFilter(ExactFilter):
    """By why the job is in its status."""

    title, parameter_name, column = _("outcome"), "outcome", "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return all there are."""
        return list(Outcome.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the jobs with the chosen outcome."""
        chosen = super().queryset(request, queryset)
        if self.value() in (None, Outcome.OK):
            return chosen
        # What did not go well waits or has failed: it need not be looked for among all that did.
        return chosen.filter(Q(status=TaskResultStatus.READY) | Q(status=TaskResultStatus.FAILED))


class ExceptionFilter(ExactFilter):
    """By the error that failed jobs failed of; links lead here, and there is nothing to choose from but that."""

    title, parameter_name, column = _("error"), "exception", "exception_class"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the one in use: what has come up is told by the page of failures."""
        chosen = self.value()
        return [] if chosen is None else [(chosen, breakable(chosen) if chosen else _("no error"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the failed jobs whose last attempt ended with the error of that class; an empty one is none at all."""
        value = self.value()
        if value is None:
            return queryset
        if "\0" in value:
            return queryset.none()
        attempts = Attempt.objects.using(alias()).filter(job_id=OuterRef("pk"), number=OuterRef("attempt"))
        if not value:
            return queryset.filter(~Exists(attempts.exclude(exception_class="")), status=TaskResultStatus.FAILED)
        return queryset.filter(Exists(attempts.filter(exception_class=value)), status=TaskResultStatus.FAILED)


class GateFilter(ExactFilter):
    """By what waiting jobs wait for beside their time."""

    title, parameter_name, column = _("what it waits for"), "gate", "gate"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return all there are."""
        return [(value, label) for value, label in Gate.choices if value]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the READY jobs at the chosen gate; of others it tells what they have waited for."""
        chosen = super().queryset(request, queryset)
        return chosen if self.value() is None else chosen.filter(status=TaskResultStatus.READY)


class QueueFilter(RecentFilter):
    """By queue: those of the settings, and those that tasks name."""

    title, parameter_name, column = _("queue"), "queue", "queue"

    def values(self, request: HttpRequest) -> Iterable[str]:
        """Return the queues that are known."""
        configured = {queue for backend in backends().values() for queue in backend.queues}
        return sorted(configured.union(queue for _path, queue in _declared(request)))


class TaskFilter(ExactFilter):
    """By task: those that workers know, and those of this process."""

    title, parameter_name, column = _("task"), "task", "task_path"

    def values(self, request: HttpRequest) -> Iterable[str]:
        """Return the tasks that are known."""
        return _with_those_here(path for path, _queue in _declared(request))


class TagFilter(ExactFilter):
    """By tag: those that jobs have."""

    title, parameter_name = _("tag"), "tag"

    def values(self, request: HttpRequest) -> Iterable[str]:
        """Return the first tags that any job has."""
        return known_tags(most=_TAGS)

    def chosen(self, queryset: Any, value: str) -> Any:
        """Return the jobs with that tag."""
        return queryset.tagged(value)


class BackendFilter(RecentFilter):
    """By backend, where there are several."""

    title, parameter_name, column = _("backend"), "backend", "backend"

    def values(self, request: HttpRequest) -> Iterable[str]:
        """Return the aliases; none when there is but one."""
        known = list(backends())
        return known if len(known) > 1 else []


class OwnerFilter(RecentFilter):
    """By the worker of the last claim: those that are there; links lead to others."""

    title, parameter_name, column = _("owner"), "worker_id", "worker_id"

    def values(self, request: HttpRequest) -> Iterable[str]:
        """Return the workers that have not stopped."""
        return sorted(worker.pk for worker in not_signed_off_for(request))[:_WORKERS]


class SinceFilter(SimpleListFilter):
    """By when jobs were enqueued, which their ids tell."""

    title, parameter_name = pgettext_lazy("filter", "enqueued"), "since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return how far back it may look."""
        return [("hour", _("In the last hour")), ("day", _("In the last day")), ("week", _("In the last week"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the jobs whose ids are not older, by the clock of who looks."""
        seconds = _SINCE.get(self.value() or "")
        if seconds is None:
            return queryset
        return queryset.filter(pk__gte=UUID(int=int((time.time() - seconds) * 1000) << 80))


_SINCE = {"hour": 3600, "day": 86400, "week": 604800}


class EffectsFilter(ExactFilter):
    """By where a task's writes happen."""

    title, parameter_name, column = _("effects"), "effects", "effects"

    def values(self, request: HttpRequest) -> Iterable[str]:
        """Return the three."""
        return EFFECTS


class UnknownTaskFilter(SimpleListFilter):
    """Waiting jobs that no worker of this version will take."""

    title, parameter_name = _("task unknown here"), "unknown"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the one choice."""
        return [("1", _("Yes, and waiting"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the READY jobs whose task this process does not know. Finished ones wait for nothing."""
        if self.value() is None:
            return queryset
        return queryset.filter(~Q(task_path__in=task_paths()), status=TaskResultStatus.READY)


def known_paths() -> list[str]:
    """Return the paths of the tasks that workers have declared or this process has."""
    return _with_those_here(TaskDefinition.objects.using(alias()).order_by().values_list("path", flat=True))


def _with_those_here(declared: Iterable[str]) -> list[str]:
    return sorted({*declared, *task_paths()})


def _declared(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the tasks that workers have declared, and their queues; for all filters of a page with one query."""
    kept = vars(request)
    if _DECLARED not in kept:
        kept[_DECLARED] = list(TaskDefinition.objects.using(alias()).order_by().values_list("path", "queue"))
    return cast(list[tuple[str, str]], kept[_DECLARED])
