"""Retry and Cancel: what the two buttons are, and what pressing one does to a list of jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import DatabaseError, transaction
from django.tasks import TaskResultStatus
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import lifecycle
from ..database import alias
from ..errors import WrongState
from ..models import Job
from .backends import backend_of

# A page must answer in seconds; whoever has more presses again.
MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A button. `act(job_id, by)` does it to one job and returns what the log says; raises WrongState."""

    name: str
    label: str | Promise
    meaning: str | Promise
    statuses: frozenset[str]
    act: Callable[[UUID, str], str]
    wakes: bool = False

    def applies_to(self, job: Job) -> bool:
        """Return whether the job is in a state in which this can be done to it."""
        return job.status in self.statuses


@dataclass(slots=True)
class Report:
    """What came of it: how many jobs it was done to, and why not to the others."""

    done: int = 0
    skipped: list[str] = field(default_factory=list)


def press(verb: Verb, jobs: Iterable[Job], user: Any) -> Report:
    """Do it to each job in turn and write it into the admin's log; each is a transaction of its own."""
    report = Report()
    queues: dict[str, set[str]] = defaultdict(set)
    for job in jobs:
        try:
            with transaction.atomic(using=alias()):
                _log(user, job, verb.act(job.pk, user.get_username()))
        except WrongState as error:
            report.skipped.append(str(error))
        except DatabaseError as error:
            report.skipped.append(_("Job %(id)s: the database refused it: %(error)s") % {"id": job.pk, "error": error})
        else:
            report.done += 1
            queues[job.backend].add(job.queue)
    if verb.wakes:
        _wake(queues)
    return report


def _log(user: Any, job: Job, message: str) -> None:
    LogEntry.objects.log_actions(user.pk, [job], CHANGE, message, single_object=True)


def _wake(queues: dict[str, set[str]]) -> None:
    for name, names in queues.items():
        if backend := backend_of(name):
            backend.wake(sorted(names))


def _retry(job_id: UUID, by: str) -> str:
    lifecycle.retry(job_id)
    return _("Retried.")


def _cancel(job_id: UUID, by: str) -> str:
    worker_id = lifecycle.cancel(job_id, by=by)
    return _("Cancelled while %(worker)s was running it.") % {"worker": worker_id} if worker_id else _("Cancelled.")


RETRY = Verb(
    name="retry",
    label=gettext_lazy("Retry"),
    meaning=gettext_lazy(
        "A failed job is attempted again, now, with full budgets. Steps that were committed are not repeated; the "
        "attempts so far stay on record."
    ),
    statuses=frozenset({TaskResultStatus.FAILED}),
    act=_retry,
    wakes=True,
)
CANCEL = Verb(
    name="cancel",
    label=gettext_lazy("Cancel"),
    meaning=gettext_lazy(
        "A waiting job will not run. A running job is stopped, and the database refuses what it still writes; effects "
        "outside the database cannot be taken back."
    ),
    statuses=frozenset({TaskResultStatus.READY, TaskResultStatus.RUNNING}),
    act=_cancel,
)
VERBS = {verb.name: verb for verb in (RETRY, CANCEL)}


def done_text(verb: Verb, count: int) -> str:
    """Return the sentence that says to how many jobs it was done."""
    if verb is RETRY:
        text = ngettext("%(count)s job was retried.", "%(count)s jobs were retried.", count)
    else:
        text = ngettext("%(count)s job was cancelled.", "%(count)s jobs were cancelled.", count)
    return text % {"count": count}
