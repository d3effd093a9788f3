"""The way from a delivery in doubt to somebody's word: a page that says what is in doubt, and the two answers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.tasks import TaskResultStatus
from django.urls import path, reverse
from django.utils.translation import gettext as _

from .. import deliveries, operations
from ..database import alias
from ..deliveries import Delivery
from ..errors import InvalidResult, InvalidRow, WrongState
from ..ledger import delivery_scope
from ..models import Job, LedgerEntry
from ..sentences import said, translated
from ..spelling import spelled
from ..strict import read
from .audit import write_down
from .inert import inert
from .pages import page
from .times import moment


class DecidingAdmin(admin.ModelAdmin):
    """Adds a page on which a delivery in doubt is decided, for users who have the permission."""

    def get_urls(self) -> list[Any]:
        """Return the address of that page, and the rest."""
        view = self.admin_site.admin_view(self.decide_view)
        return [path("decide/<int:entry_id>/", view, name="jobqueue_job_decide"), *super().get_urls()]

    def decide_url(self, request: HttpRequest, job: Job, delivery: Delivery) -> str | None:
        """Return where to decide; None when there is nothing to decide, or the user may not."""
        if delivery.is_done or job.status != TaskResultStatus.FAILED or not self._may_decide(request):
            return None
        return reverse("admin:jobqueue_job_decide", args=[delivery.entry.pk], current_app=self.admin_site.name)

    def decide_view(self, request: HttpRequest, entry_id: int) -> HttpResponse:
        """Say what is in doubt, or do as was decided."""
        if request.method not in ("GET", "POST"):
            return HttpResponseNotAllowed(["GET", "POST"])
        if not (self._may_decide(request) and self.has_view_permission(request)):
            raise PermissionDenied
        job, delivery = _found(entry_id)
        if request.method == "POST" and self._decided(request, job, delivery):
            return HttpResponseRedirect(_page_of(self, job))
        try:
            others = len(deliveries.undecided(job.pk)) - 1
        except WrongState as error:  # Another delivery of the job tells nonsense.
            self.message_user(request, spelled(str(error)), messages.WARNING)
            return HttpResponseRedirect(_page_of(self, job))
        context = {
            "job": job,
            "task": spelled(job.task_path),
            "step": inert(delivery.step),
            "key": inert(delivery.key),
            "attempt": delivery.entry.attempt,
            "at": moment(delivery.entry.created_at),
            "has_lookup": delivery.has_lookup,
            "others": others,
            "receipt": request.POST.get("receipt", ""),
        }
        return page(self, request, "decide", _("Was it done?"), context)

    def _may_decide(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm("jobqueue.decide_job"))

    def _decided(self, request: HttpRequest, job: Job, delivery: Delivery) -> bool:
        """Do as was decided and write it into the admin's log; return False when the answer has to be given anew."""
        user: Any = request.user
        answer = request.POST.get("answer")
        try:
            with transaction.atomic(using=alias()):
                if answer == "done":
                    receipt = _receipt(request.POST.get("receipt", ""))
                    operations.was_done(job.pk, delivery.step, receipt=receipt, by=user.get_username())
                    text = _("Decided that %(step)s was done.")
                elif answer == "again":
                    operations.do_again(job.pk, delivery.step)
                    text = _("Decided that %(step)s is done again.")
                else:
                    return False
                text %= {"step": spelled(delivery.step)}
                write_down(user, job, text)
        except WrongState as error:
            self.message_user(request, spelled(translated(said(error))), messages.WARNING)
            return True
        except (ValueError, InvalidResult) as error:
            self.message_user(
                request,
                _("The receipt is not JSON: %(why)s") % {"why": spelled(translated(said(error)))},
                messages.ERROR,
            )
            return False
        self.message_user(request, text, messages.SUCCESS)
        return True


def _page_of(admin: DecidingAdmin, job: Job) -> str:
    return reverse("admin:jobqueue_job_change", args=[job.pk], current_app=admin.admin_site.name)


def _found(entry_id: int) -> tuple[Job, Delivery]:
    entry = LedgerEntry.objects.using(alias()).filter(pk=entry_id).first() if entry_id < 2**63 else None
    if entry is None or entry.scope != delivery_scope(entry.job_id):
        raise Http404
    job = Job.objects.using(alias()).filter(pk=entry.job_id).first()
    if job is None:
        raise Http404
    try:
        return job, deliveries.read(entry)
    except InvalidRow:
        raise Http404 from None


def _receipt(text: str) -> Any:
    return read(text) if text.strip() else None
