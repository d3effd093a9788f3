"""What the admin shows of arguments, results and steps: without what is sensitive, and as inert text.

To those who may not view payloads nothing of them is shown. Which arguments are sensitive is known only of a task that
this process has. Of any other, nothing is shown of them.
"""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..deliveries import Delivery
from ..errors import InvalidRow
from ..models import Job, LedgerEntry, Schedule
from ..payload import call_of
from ..redaction import shown, shown_call
from ..secrets import Secrets
from ..sentences import translated
from ..strict import Unreadable
from .calls import call_text
from .inert import as_json, inert
from .tasks import task_of
from .withheld import is_withheld, not_shown


def arguments_of(row: Job | Schedule) -> SafeString:
    """Return the arguments of a job, or of those that a schedule makes."""
    if is_withheld(row):
        return inert(not_shown())
    return _arguments(row.task_path, row.arguments)


def beginning_of(job: Job) -> SafeString:
    """Return the arguments of a job in a list, which has read no more than the beginning of them."""
    if is_withheld(job):
        return inert(not_shown())
    return inert(call_text(task_of(job.task_path), job.__dict__["arguments_begin"] or ""))


def result_of(job: Job) -> SafeString:
    """Return the result of a job."""
    if is_withheld(job):
        return inert(not_shown())
    return _value(job.result, secrets_of(job))


def step_of(entry: LedgerEntry, job: Job | None) -> SafeString:
    """Return the value of a step of a job; what the job was given is not known once its row is gone."""
    if is_withheld(entry):
        return inert(not_shown())
    return _value(entry.value, secrets_of(job) if job else None)


def receipt_of(delivery: Delivery, job: Job) -> SafeString | None:
    """Return the receipt of what a job has delivered, None when there is none yet."""
    if delivery.is_done and is_withheld(job):
        return inert(not_shown())
    return _value(delivery.receipt, secrets_of(job)) if delivery.is_done else None


def kept_of(entry: LedgerEntry) -> SafeString:
    """Return what the ledger keeps of a job that was pruned."""
    if is_withheld(entry):
        return inert(not_shown())
    value = entry.value
    if not isinstance(value, dict) or "arguments" not in value:
        return _value(value, None)
    path = str(value.get("task_path"))
    secrets = _secrets(path, value["arguments"])
    rest = {key: item for key, item in value.items() if key != "arguments"}
    return SafeString(
        inert(_("Arguments:")) + inert(" ") + _arguments(path, value["arguments"]) + inert("\n") + _value(rest, secrets)
    )


def fingerprint_of(entry: LedgerEntry) -> SafeString:
    """Return what two calls share when they are the same: who knows it can try out what the arguments were."""
    return inert(not_shown() if is_withheld(entry) else entry.fingerprint)


def secrets_of(job: Job) -> Secrets | None:
    """Return what is to be kept out of texts about a job; None when its task is not known here."""
    return _secrets(job.task_path, job.arguments)


def _secrets(path: str, arguments: Any) -> Secrets | None:
    task = task_of(path)
    return Secrets(task, lambda: call_of(arguments, path)) if task else None


def _arguments(path: str, value: Any) -> SafeString:
    if isinstance(value, Unreadable):
        return _unreadable(value)
    task = task_of(path)
    if task is None:
        return inert(_("Not shown: this process does not know the task, nor which of its arguments are sensitive."))
    try:
        args, kwargs = shown_call(task, *call_of(value, path))
    except InvalidRow:
        return as_json(shown(value))
    return as_json({"args": args, "kwargs": kwargs})


def _value(value: Any, secrets: Secrets | None) -> SafeString:
    if isinstance(value, Unreadable):
        return _unreadable(value)
    value = shown(value)
    return as_json(secrets.out_of_value(value) if secrets else value)


def _unreadable(value: Unreadable) -> SafeString:
    return inert(_("Not read: %(why)s. Jobqueue has not written it.") % {"why": translated(value.why)})
