"""Run… on the page of a task: a form for its arguments, and a job when it is sent. Only what is declared here runs."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.tasks import TaskResult
from django.tasks.exceptions import InvalidTask
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from ..database import alias
from ..errors import JobQueueError
from ..fields import is_storable
from ..models import Job, TaskDefinition
from ..spelling import spelled
from ..task import JobTask
from . import cells, sendings
from .audit import write_down
from .inert import inert
from .pages import page
from .run_form import RunForm
from .tasks import task_of


class RunningAdmin(admin.ModelAdmin):
    """Adds a page from which a task is run, for users who have the permission; each run is in the admin's log."""

    def get_urls(self) -> list[Any]:
        """Return the address of that page, and the rest."""
        view = self.admin_site.admin_view(sensitive_post_parameters()(self.run_view))
        return [path("<path:object_id>/run/", view, name="jobqueue_taskdefinition_run"), *super().get_urls()]

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may run tasks with arguments of their own."""
        user: Any = request.user
        return bool(user.has_perm("jobqueue.run_taskdefinition"))

    def run_url(self, request: HttpRequest, definition: TaskDefinition) -> str | None:
        """Return where to run a task; None when the user may not, or this process does not have it."""
        if not self.has_run_permission(request) or task_of(definition.path) is None:
            return None
        return self._address("run", definition)

    def run_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the arguments of a call, or enqueue it."""
        if request.method not in ("GET", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        if not (self.has_run_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        definition, task = _found(unquote(object_id))
        form = RunForm(task, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            result = self._run(request, definition, form)
            if result is not None:
                self._tell(request, result)
            if not form.errors:
                return HttpResponseRedirect(self._address("change", definition))
        context = {
            "form": form,
            "task": cells.task_name(definition.path),
            "summary": inert(definition.description),
            "paused": definition.paused,
            "definition": definition,
            "sending": {"name": sendings.FIELD, "value": sendings.new_sending()},
            "subtitle": spelled(definition.path),
            "back_url": self._address("change", definition),
        }
        return page(self, request, "run", _("Run a task"), context)

    def _run(self, request: HttpRequest, definition: TaskDefinition, form: RunForm) -> TaskResult | None:
        """Enqueue the call and write that into the admin's log.

        None when it was refused, which the form says, or when the form was sent before, which a message says.
        """
        args, kwargs = form.call
        try:
            with transaction.atomic(using=alias()):
                result: Any = form.chosen().enqueue(*args, **kwargs)
                sendings.refuse_second(request, UUID(result.id))
                if not result.enqueued_before:
                    # What it was given stays with the job: not everybody who may read this log may view it.
                    text = _("Run as job %(job)s.") % {"job": result.id}
                    write_down(request.user, definition, text)
                    job = Job(pk=UUID(result.id), task_path=definition.path)
                    write_down(request.user, job, text, flag=ADDITION)
        except sendings.SentBefore as again:
            self.message_user(request, str(again), messages.WARNING)
            return None
        except (InvalidTask, JobQueueError) as error:
            form.refuse(error)
            return None
        return cast(TaskResult, result)

    def _tell(self, request: HttpRequest, result: TaskResult) -> None:
        link = cells.link("job", result.id, result.id)
        if getattr(result, "enqueued_before", False):
            text = _("There is a job of the same call: %(job)s. No other was enqueued.")
            self.message_user(request, format_html(text.replace("%(job)s", "{}"), link), messages.WARNING)
        else:
            text = _("Job %(job)s was enqueued.")
            self.message_user(request, format_html(text.replace("%(job)s", "{}"), link), messages.SUCCESS)

    def _address(self, name: str, definition: TaskDefinition) -> str:
        name = f"admin:jobqueue_taskdefinition_{name}"
        return reverse(name, args=[quote(definition.path)], current_app=self.admin_site.name)


def _found(task_path: str) -> tuple[TaskDefinition, JobTask]:
    definitions = TaskDefinition.objects.using(alias())
    definition = definitions.filter(path=task_path).first() if is_storable(task_path) else None
    task = task_of(task_path) if definition is not None else None
    if definition is None or task is None:
        raise Http404("This process has no such task.")
    return definition, task
