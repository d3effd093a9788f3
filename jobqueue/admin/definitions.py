"""Task definitions: which tasks the workers know, and under which policy they run."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from ..models import TaskDefinition
from . import cells
from .filters import EffectsFilter
from .inert import inert
from .pausing import PausingAdmin
from .readonly import ReadOnlyAdmin
from .tasks import task_of
from .times import moment, span


@admin.register(TaskDefinition)
class TaskDefinitionAdmin(PausingAdmin, ReadOnlyAdmin):
    """Shows tasks as the workers that started last declared them, with a button to pause each."""

    list_display = (
        "task",
        "summary",
        "in_queue",
        "fencing",
        "attempts",
        "limit",
        "synced",
        "jobs",
    )
    list_filter = (EffectsFilter, "paused")
    search_fields = ("path", "description")
    sortable_by = ("task",)
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

    def about(self, request: HttpRequest, obj: TaskDefinition) -> dict[str, Any]:
        """Return the button that may be pressed, and that there is a history of such."""
        return {"presses": self.presses(request, obj), "has_history": True}

    @admin.display(description=_("task"), ordering="path")
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

    @admin.display(description=_("attempts"))
    def attempts(self, definition: TaskDefinition) -> int:
        """Return how many there are at most."""
        return definition.max_attempts

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

    @admin.display(description=_("synced at"))
    def synced(self, definition: TaskDefinition) -> SafeString:
        """Return when a worker last declared it."""
        return moment(definition.synced_at)

    @admin.display(description=_("jobs"))
    def jobs(self, definition: TaskDefinition) -> SafeString:
        """Return a link to its jobs."""
        return cells.jobs_link(__("show"), task=definition.path)
