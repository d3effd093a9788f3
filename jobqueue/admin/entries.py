"""The ledger: what happened once, and will not happen again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..database import alias
from ..ledger import enqueue_scope, scopes_of
from ..models import Job, LedgerEntry
from . import cells
from .filters import known_paths
from .finding import as_uuid
from .inert import inert
from .payloads import fingerprint_of, kept_of, step_of
from .readonly import ReadOnlyAdmin
from .times import moment


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    """Shows idempotency keys, finished steps, deliveries and checkpoints."""

    list_display = ("name", "within", "job", "attempt", "created")
    sortable_by = ("created",)
    search_fields = ("key",)
    search_help_text = _("The id of a job, or a whole idempotency key.")
    fields = ("within", "name", "job", "attempt", "stored", "call", "created")
    readonly_fields = fields

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Return the entries of a job, or those under an idempotency key; both through indexes."""
        text = search_term.strip()
        if not text:
            return queryset, False
        if job_id := as_uuid(text):
            return queryset.filter(Q(job_id=job_id) | Q(scope__in=scopes_of(job_id))), False
        return queryset.filter(scope__in=[enqueue_scope(path) for path in known_paths()], key=text), False

    def for_list(self, queryset: Any) -> Any:
        """Return the entries without their values, which may be large."""
        return queryset.defer("value")

    @admin.display(description=_("key"))
    def name(self, entry: LedgerEntry) -> SafeString:
        """Return the key within its scope."""
        return inert(entry.key)

    @admin.display(description=_("scope"))
    def within(self, entry: LedgerEntry) -> SafeString:
        """Return the scope."""
        return inert(entry.scope)

    @admin.display(description=_("job"))
    def job(self, entry: LedgerEntry) -> SafeString:
        """Return a link to the job, whose row may be gone by now."""
        return cells.link("job", entry.job_id, str(entry.job_id))

    @admin.display(description=_("value"))
    def stored(self, entry: LedgerEntry) -> SafeString:
        """Return the stored value."""
        return cells.preformatted(_stored(entry))

    @admin.display(description=_("fingerprint of the arguments"))
    def call(self, entry: LedgerEntry) -> SafeString:
        """Return what two calls share when they are the same call."""
        return fingerprint_of(entry)

    @admin.display(description=_("created at"), ordering="-id")
    def created(self, entry: LedgerEntry) -> SafeString:
        """Return when it was entered."""
        return moment(entry.created_at)


def _stored(entry: LedgerEntry) -> SafeString:
    if entry.scope not in scopes_of(entry.job_id):
        return kept_of(entry)
    return step_of(entry, Job.objects.using(alias()).filter(pk=entry.job_id).first())
