"""Pause and Resume on the page of a task. There is no action on the list: its boxes would hold paths as they are."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from .. import operations
from ..database import alias
from ..fields import is_storable
from ..models import TaskDefinition
from ..spelling import spelled
from .audit import write_down
from .inert import hidden, unhidden


class PausingAdmin(admin.ModelAdmin):
    """Adds the two buttons for users who have the permission to pause; each press is written into the admin's log."""

    def get_urls(self) -> list[Any]:
        """Return the addresses of the two buttons, and the rest."""
        own = [
            path(
                f"{verb}/",
                self.admin_site.admin_view(partial(self.press_view, verb=verb)),
                name=f"jobqueue_taskdefinition_{verb}",
            )
            for verb in ("pause", "resume")
        ]
        return [*own, *super().get_urls()]

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may pause and resume tasks."""
        user: Any = request.user
        return bool(user.has_perm("jobqueue.pause_taskdefinition"))

    def presses(self, request: HttpRequest, definition: TaskDefinition) -> list[dict[str, Any]]:
        """Return the button for the page of a task."""
        if not self.has_pause_permission(request):
            return []
        verb, label = ("resume", __("Resume")) if definition.paused else ("pause", __("Pause"))
        url = reverse(f"admin:jobqueue_taskdefinition_{verb}", current_app=self.admin_site.name)
        return [{"label": label, "url": url, "fields": {"path": hidden(definition.path)}}]

    def press_view(self, request: HttpRequest, *, verb: str) -> HttpResponse:
        """Pause or resume the task of a button."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not (self.has_pause_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        task_path = unhidden(request.POST.get("path", ""))
        definitions = TaskDefinition.objects.using(alias())
        definition = definitions.filter(path=task_path).first() if is_storable(task_path) else None
        if definition is None:
            raise Http404("There is no such task.")
        self._press(request, verb, definition)
        address = reverse(
            "admin:jobqueue_taskdefinition_change", args=[quote(task_path)], current_app=self.admin_site.name
        )
        return HttpResponseRedirect(address)

    def _press(self, request: HttpRequest, verb: str, definition: TaskDefinition) -> None:
        act, done, text = _VERBS[verb]
        with transaction.atomic(using=alias()):
            if act(definition.path):
                write_down(request.user, definition, str(done))
        self.message_user(request, str(text) % {"task": spelled(definition.path)}, messages.SUCCESS)


_VERBS = {
    "pause": (
        operations.pause_task,
        _("Paused."),
        _("%(task)s is paused: no worker begins a job of it; those that run go on."),
    ),
    "resume": (operations.resume_task, _("Resumed."), _("%(task)s is resumed.")),
}
