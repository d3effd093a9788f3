"""A form that makes jobs is acted on once, however often it is sent: by two clicks, or with a page that is reloaded."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.http import HttpRequest
from django.utils.translation import gettext as _

from .. import ledger
from .finding import as_uuid

FIELD = "sending"
_SCOPE = "form"
# Nobody sends a page again that he has left open for longer.
_KEPT_SECONDS = 7 * 86400.0


class SentBefore(Exception):
    """A form was sent again; says so."""


def new_sending() -> str:
    """Return what a form is known by, for a hidden field of that name."""
    return uuid4().hex


def refuse_second(request: HttpRequest, job_id: UUID) -> None:
    """Enter the form that was sent into the ledger, beside a job that it is about; raises SentBefore if it is there.

    It is done in the caller's transaction, and undone with it. A form that is known by nothing is never the second.
    """
    sending = as_uuid(request.POST.get(FIELD, ""))
    if sending is not None and not ledger.enter_once(_SCOPE, sending.hex, job_id=job_id, ttl=_KEPT_SECONDS):
        raise SentBefore(_("This form was sent before, and was not acted on again."))
