"""Task definitions: which tasks the workers know, and under which policy they run."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ..models import TaskDefinition
from . import cells
from .filters import EffectsFilter
from .inert import inert
from .lately import failures, lately_of, look, quantiles
from .pausing import PausingAdmin
from .readonly import ReadOnlyAdmin
from .running import RunningAdmin
from .tasks import task_of
from .times import moment, span


@admin.register(TaskDefinition)
class TaskDefinitionAdmin(PausingAdmin, RunningAdmin, ReadOnlyAdmin):
    """Shows tasks as the workers that started last declared them, with buttons to pause and to run each."""

    list_display = ("listed", "in_queue", "policy", "ran", "waited", "went_wrong", "jobs")
    list_filter = (EffectsFilter, "paused")
    search_fields = ("path", "description")
    sortable_by = ("listed",)
    fields = (
        "task",
        "summary",
        "of_backend",
        "in_queue",
        "fencing",
        "max_attempts",
        "limit",
        "pause",
        "synced",
        "jobs",
    )
    readonly_fields = fields
    change_form_template = "jobqueue/admin/definition.html"

    def prepare(self, rows: list[Any]) -> list[str]:
        """Look up what was counted of the tasks of a page in the last hour."""
        look(rows)
        return []

    def about(self, request: HttpRequest, obj: TaskDefinition) -> dict[str, Any]:
        """Return what may be pressed, that there is a history of such, and what was counted lately."""
        run_url = self.run_url(request, obj)
        links = [{"label": __("Run…"), "url": run_url}] if run_url else []
        return {"presses": self.presses(request, obj), "links": links, "has_history": True, "lately": lately_of(obj)}

    @admin.display(description=_("task"), ordering="path")
    def listed(self, definition: TaskDefinition) -> SafeString:
        """Return the path, what needs attention, and what the task does."""
        return format_html(
            '{}<small class="jq-detail">{}</small>', self.task(definition), inert(definition.description, most=80)
        )

    @admin.display(description=_("task"))
    def task(self, definition: TaskDefinition) -> SafeString:
        """Return the path and what needs attention."""
        known = task_of(definition.path) is not None
        labels = cells.task_badges(known=known, effects=definition.effects, paused=definition.paused)
        return format_html("{} {}", cells.task_name(definition.path), labels)

    @admin.display(description=_("description"))
    def summary(self, definition: TaskDefinition) -> SafeString:
        """Return the first line of the function's docstring."""
        return inert(definition.description)

    @admin.display(description=_("backend"))
    def of_backend(self, definition: TaskDefinition) -> SafeString:
        """Return the backend."""
        return inert(definition.backend)

    @admin.display(description=_("queue"))
    def in_queue(self, definition: TaskDefinition) -> SafeString:
        """Return the queue and the priority."""
        priority = __("priority %(number)s") % {"number": definition.priority}
        return format_html('{}<small class="jq-detail">{}</small>', inert(definition.queue), priority)

    @admin.display(description=_("effects"))
    def fencing(self, definition: TaskDefinition) -> SafeString:
        """Return where its writes happen."""
        return inert(definition.effects)

    @admin.display(description=_("policy"))
    def policy(self, definition: TaskDefinition) -> SafeString:
        """Return where its writes happen, how many attempts there are at most, and how long each may take."""
        count = ngettext("%(count)s attempt", "%(count)s attempts", definition.max_attempts)
        told = [count % {"count": definition.max_attempts}]
        if definition.timeout:
            told.append(span(definition.timeout))
        return format_html('{}<small class="jq-detail">{}</small>', inert(definition.effects), ", ".join(told))

    @admin.display(description=_("paused"))
    def pause(self, definition: TaskDefinition) -> str:
        """Return whether it is paused, and what that means."""
        if not definition.paused:
            return __("no")
        return __("yes: workers leave its jobs READY until it is resumed; those that run go on")

    @admin.display(description=_("timeout"))
    def limit(self, definition: TaskDefinition) -> str:
        """Return how long the body may run."""
        return span(definition.timeout) if definition.timeout else cells.NOTHING

    @admin.display(description=_("run time, 1 h"))
    def ran(self, definition: TaskDefinition) -> SafeString:
        """Return how long half of the attempts of the last hour took at most, and nearly all."""
        return quantiles(definition, "runs")

    @admin.display(description=_("wait, 1 h"))
    def waited(self, definition: TaskDefinition) -> SafeString:
        """Return how long half of the jobs of the last hour had waited at most, and nearly all."""
        return quantiles(definition, "waits")

    @admin.display(description=_("failed, 1 h"))
    def went_wrong(self, definition: TaskDefinition) -> SafeString:
        """Return how many of the jobs that ended in the last hour failed."""
        return failures(definition)

    @admin.display(description=_("synced at"))
    def synced(self, definition: TaskDefinition) -> SafeString:
        """Return when a worker last declared it."""
        return moment(definition.synced_at)

    @admin.display(description=_("jobs"))
    def jobs(self, definition: TaskDefinition) -> SafeString:
        """Return a link to its jobs."""
        return cells.jobs_link(__("show"), task=definition.path)
