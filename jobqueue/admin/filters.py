"""Filters of the list of jobs. Choices come from settings and definitions: a million jobs are not asked for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q
from django.http import HttpRequest
from django.tasks import TaskResultStatus
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from ..database import alias
from ..models import Job, Outcome, TaskDefinition
from .backends import backends, task_paths
from .inert import breakable

# How many jobs are looked at, the newest first, where no index helps.
NEWEST = 100_000
_APART = frozenset({TaskResultStatus.READY, TaskResultStatus.RUNNING, TaskResultStatus.FAILED})


class ExactFilter(SimpleListFilter):
    """Keeps the jobs with one value of one column."""

    column: str

    def values(self) -> Iterable[str]:
        """Return the values to choose from."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices; also the one in use, which may come from a link and be known no longer."""
        values = dict.fromkeys(self.values())
        if (chosen := self.value()) and chosen not in values:
            values[chosen] = None
        return [(value, breakable(value)) for value in values]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the jobs with the chosen value."""
        return queryset if self.value() is None else queryset.filter(**{self.column: self.value()})


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
            "count": f"{NEWEST:,}",
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


class QueueFilter(RecentFilter):
    """By queue: those of the settings, and those that tasks name."""

    title, parameter_name, column = _("queue"), "queue", "queue"

    def values(self) -> Iterable[str]:
        """Return the queues that are known."""
        configured = {queue for backend in backends().values() for queue in backend.queues}
        named = TaskDefinition.objects.using(alias()).order_by().values_list("queue", flat=True).distinct()
        return sorted(configured.union(named))


class TaskFilter(ExactFilter):
    """By task: those that workers know, and those of this process."""

    title, parameter_name, column = _("task"), "task", "task_path"

    def values(self) -> Iterable[str]:
        """Return the tasks that are known."""
        return known_paths()


class BackendFilter(RecentFilter):
    """By backend, where there are several."""

    title, parameter_name, column = _("backend"), "backend", "backend"

    def values(self) -> Iterable[str]:
        """Return the aliases; none when there is but one."""
        known = list(backends())
        return known if len(known) > 1 else []


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
    declared = TaskDefinition.objects.using(alias()).order_by().values_list("path", flat=True)
    return sorted({*declared, *task_paths()})
