"""Task definitions: which tasks the workers know, and under which policy they run."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from ..models import TaskDefinition
from . import cells
from .backends import task_of
from .inert import inert
from .readonly import ReadOnlyAdmin
from .times import moment, span


@admin.register(TaskDefinition)
class TaskDefinitionAdmin(ReadOnlyAdmin):
    """Shows tasks as the workers that started last declared them."""

    list_display = (
        "task",
        "summary",
        "queue",
        "priority",
        "effects",
        "max_attempts",
        "limit",
        "synced",
        "jobs",
    )
    list_filter = ("effects", "paused")
    search_fields = ("path", "description")
    sortable_by = ("task", "priority")
    fields = (
        "task",
        "summary",
        "backend",
        "queue",
        "priority",
        "effects",
        "max_attempts",
        "limit",
        "paused",
        "synced",
        "jobs",
    )
    readonly_fields = fields

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
