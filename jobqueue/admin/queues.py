"""Queues that are paused, and buttons to pause and resume any that is known. A row of PausedQueue pauses one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, DELETION
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import transaction
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as __
from django.utils.translation import gettext_lazy as _

from .. import operations
from ..backend import backends
from ..conf import suggestion
from ..database import alias
from ..fields import is_storable
from ..models import PausedQueue, TaskDefinition, Worker
from ..sentences import translated
from ..spelling import spelled
from . import cells
from .audit import write_down
from .depths import Place
from .inert import hidden, inert, unhidden
from .liveness import not_signed_off, serves
from .readonly import ReadOnlyAdmin
from .states import mark
from .times import moment


class QueueForm(ModelForm):
    """Asks which queue to pause; refuses one that there cannot be, for a typing error would pause nothing."""

    def clean(self) -> dict[str, Any]:
        """Return what was typed; raises ValidationError for a queue that no backend has."""
        given = super().clean() or self.cleaned_data
        error = _unknown(given.get("backend", ""), given.get("name", ""))
        if error:
            raise ValidationError(error)
        return given


@admin.register(PausedQueue)
class PausedQueueAdmin(ReadOnlyAdmin):
    """Lists the queues whose jobs no worker begins, and all others with a button."""

    list_display = ("queue", "of_backend", "paused")
    readonly_fields = list_display
    actions = ("resume_selected",)
    form = QueueForm
    change_list_template = "jobqueue/admin/queue_list.html"
    change_form_template = "jobqueue/admin/queue.html"

    def get_urls(self) -> list[Any]:
        """Return the addresses of the two buttons, and the rest."""
        own = [
            path(
                f"{verb}/",
                self.admin_site.admin_view(partial(self.press_view, verb=verb)),
                name=f"jobqueue_pausedqueue_{verb}",
            )
            for verb in ("pause", "resume")
        ]
        return [*own, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: PausedQueue | None = None) -> tuple[str, ...]:
        """Return what is asked of whoever pauses a queue, and what is shown of one that is paused."""
        return ("name", "backend") if obj is None else self.list_display

    @admin.display(description=_("queue"), ordering="name")
    def queue(self, paused: PausedQueue) -> SafeString:
        """Return the name of the queue."""
        return inert(paused.name)

    @admin.display(description=_("backend"))
    def of_backend(self, paused: PausedQueue) -> SafeString:
        """Return the backend."""
        return inert(paused.backend)

    @admin.display(description=_("paused at"))
    def paused(self, paused: PausedQueue) -> SafeString:
        """Return since when."""
        return moment(paused.paused_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may pause queues."""
        return admin.ModelAdmin.has_add_permission(self, request)

    def has_resume_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may resume queues. Nothing is deleted by hand, under that name."""
        return admin.ModelAdmin.has_delete_permission(self, request)

    @admin.action(permissions=["resume"], description=_("Resume selected queues"))
    def resume_selected(self, request: HttpRequest, queryset: Any) -> None:
        """Resume the ticked queues."""
        for paused in queryset:
            self._resume(request, paused.backend, paused.name)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show what is paused, below all queues that are known."""
        return super().changelist_view(request, {"queues": self._known(request), **(extra_context or {})})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask which queue to pause, and pause it."""
        return super().add_view(request, form_url, {"title": __("Pause a queue"), **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: PausedQueue, form: Any, change: bool) -> None:
        """Pause a queue by its name."""
        obj.save(using=alias())

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write into the admin's log that a queue was paused."""
        return super().log_addition(request, obj, __("Paused."))

    def response_add(self, request: HttpRequest, obj: PausedQueue, post_url_continue: Any = None) -> HttpResponse:
        """Say what was done, and go back to the list."""
        self._tell_paused(request, obj.name)
        return HttpResponseRedirect(self._list())

    def about(self, request: HttpRequest, obj: PausedQueue) -> dict[str, Any]:
        """Return the button that resumes it."""
        return {"presses": presses_of(request, obj.backend, obj.name, is_paused=True)}

    def press_view(self, request: HttpRequest, *, verb: str) -> HttpResponse:
        """Pause or resume the queue of a button."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        may = self.has_add_permission(request) if verb == "pause" else self.has_resume_permission(request)
        if not (may and self.has_view_permission(request)):
            raise PermissionDenied
        backend, name = (unhidden(request.POST.get(field, "")) for field in ("backend", "name"))
        if not is_storable(backend + name) or (verb == "pause" and _unknown(backend, name)):
            raise BadRequest("There is no such queue.")
        (self._pause if verb == "pause" else self._resume)(request, backend, name)
        back = reverse("admin:app_list", args=["jobqueue"], current_app=self.admin_site.name)
        return HttpResponseRedirect(back if request.POST.get("back") == "overview" else self._list())

    def _pause(self, request: HttpRequest, backend: str, name: str) -> None:
        with transaction.atomic(using=alias()):
            if operations.pause_queue(name, backend=backend):
                paused = PausedQueue.objects.using(alias()).get(backend=backend, name=name)
                write_down(request.user, paused, __("Paused."), flag=ADDITION)
        self._tell_paused(request, name)

    def _tell_paused(self, request: HttpRequest, name: str) -> None:
        text = __("The queue “%(queue)s” is paused: no worker begins a job of it; those that run go on.")
        self.message_user(request, text % {"queue": spelled(name)}, messages.SUCCESS)

    def _list(self) -> str:
        return reverse("admin:jobqueue_pausedqueue_changelist", current_app=self.admin_site.name)

    def _resume(self, request: HttpRequest, backend: str, name: str) -> None:
        with transaction.atomic(using=alias()):
            paused = PausedQueue.objects.using(alias()).filter(backend=backend, name=name).first()
            if paused is not None:
                write_down(request.user, paused, __("Resumed."), flag=DELETION)
            operations.resume_queue(name, backend=backend)
        text = __("The queue “%(queue)s” is resumed.") % {"queue": spelled(name)}
        self.message_user(request, text, messages.SUCCESS)

    def _known(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the queues that settings and tasks name, and those that are paused."""
        paused = set(PausedQueue.objects.using(alias()).values_list("backend", "name"))
        workers = list(not_signed_off())
        named = TaskDefinition.objects.using(alias()).order_by().values_list("backend", "queue").distinct()
        configured = {(backend.alias, queue) for backend in backends().values() for queue in backend.queues}
        return [
            {
                "backend": inert(backend),
                "jobs": cells.jobs_link(inert(name), queue=name),
                "state": state_of_queue((backend, name), paused, workers),
                "presses": presses_of(request, backend, name, is_paused=(backend, name) in paused),
            }
            for backend, name in sorted(paused | configured | {it for it in named if not _unknown(*it)})
        ]


def state_of_queue(place: Place, paused: Collection[Place], workers: Iterable[Worker]) -> SafeString:
    """Return that a queue is paused, that no live worker serves it, or that it is open."""
    if place in paused:
        return mark("stopped", __("paused"))
    return mark("running", __("open")) if any(serves(it, *place) for it in workers) else mark("dead", __("no worker"))


def presses_of(
    request: HttpRequest, backend: str, name: str, *, is_paused: bool, back: str = ""
) -> list[dict[str, Any]]:
    """Return the button that resumes or pauses a queue, for a user who may; it leads back to the list, or overview."""
    user: Any = request.user
    verb, permission = ("resume", "delete") if is_paused else ("pause", "add")
    if not user.has_perm(f"jobqueue.{permission}_pausedqueue"):
        return []
    url = reverse(f"admin:jobqueue_pausedqueue_{verb}", current_app=getattr(request, "current_app", None))
    fields = {"backend": hidden(backend), "name": hidden(name), **({"back": back} if back else {})}
    aloud = __("Resume %(queue)s (%(backend)s)") if is_paused else __("Pause %(queue)s (%(backend)s)")
    aloud %= {"queue": spelled(name), "backend": spelled(backend)}
    return [{"label": __("Resume") if is_paused else __("Pause"), "aloud": aloud, "url": url, "fields": fields}]


def _unknown(backend: str, name: str) -> str:
    """Return why there is no such queue, '' when there can be."""
    known = backends()
    if backend not in known:
        hint = translated(suggestion(backend, known))
        return __("TASKS has no backend %(backend)r of jobqueue.%(hint)s") % {"backend": backend, "hint": hint}
    queues = known[backend].queues
    if not queues or name in queues:
        return ""
    return __("There is no queue %(queue)r.%(hint)s") % {"queue": name, "hint": translated(suggestion(name, queues))}
