"""Retry, Cancel, Run now, Copy and Delete: what the buttons are, and what pressing one does to a list of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.db.models import Q
from django.tasks import TaskResultStatus
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .. import copying, lifecycle
from ..database import DatabaseNow, alias
from ..errors import WrongState
from ..lifecycle import Many
from ..models import Job, JobQuerySet, Outcome
from ..operations import Deed, Report, each
from ..sentences import Sentence
from ..spelling import spelled
from .audit import write_down, write_down_many
from .numbers import number

# More ids than these are no list that somebody has looked at.
MOST_AT_ONCE = 1000


class Done(NamedTuple):
    """What the log says of one job, and the id of the new job that was made, if one was."""

    text: str
    made: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A button. `act(job_id, by)` does it to one job and returns what the log says; raises WrongState.

    `act_on_many(job_ids)` does it to as many as it can at once, of each of which the log says `done`; `told(number)` is
    what the user reads, `asks(number)` what the button says that does it. It applies to jobs of these statuses that are
    `not_of` some outcomes, and are `later`, that is due in the future, if it says so. With `deletes`, the job is gone
    after it; one that `makes` new ones does so again when it is pressed again. With `when`, somebody has to say a
    moment first, and `when(moment)` is the verb that does it then. `right` is the permission, if it is another's.
    """

    name: str
    label: str | Promise
    meaning: str | Promise
    statuses: frozenset[str]
    act: Callable[[UUID, str], Done]
    act_on_many: Callable[[Sequence[UUID]], Many]
    done: str | Promise
    told: Callable[[int], str]
    asks: Callable[[int], str]
    ends: bool = False
    deletes: bool = False
    later: bool = False
    makes: bool = False
    not_of: frozenset[str] = frozenset()
    when: Callable[[datetime], Verb] | None = None
    right: str = ""

    @property
    def permission(self) -> str:
        """What a user has to have: Django's own permission where there is one."""
        return self.right or f"{self.name}_job"

    def at(self, moment: datetime | None) -> Verb:
        """Return the verb that does it at the moment that was said, if it is one for which somebody has to."""
        return self if self.when is None or moment is None else self.when(moment)

    def fitting(self, jobs: JobQuerySet) -> JobQuerySet:
        """Return those jobs to which it applies."""
        fit = jobs.filter(status__in=self.statuses).exclude(outcome__in=self.not_of)
        return fit.filter(due_at__gt=DatabaseNow()) if self.later else fit

    def applies_to(self, job: Job) -> bool:
        """Return whether the job is in a state in which this can be done to it."""
        if self.later and not (job.due_at and job.due_at > timezone.now()):
            return False
        return job.status in self.statuses and job.outcome not in self.not_of


def press(verb: Verb, lots: Iterable[Sequence[Job]], user: Any) -> Report:
    """Do it to the jobs of each lot and write that into the admin's log."""

    def act_on_many(jobs: Sequence[Job]) -> Many:
        came = verb.act_on_many([job.pk for job in jobs])
        write_down_many(user, [job for job in jobs if job.pk in came.done], str(verb.done), flag=flag)
        return came

    def act(job: Job) -> UUID | None:
        done = verb.act(job.pk, user.get_username())
        write_down(user, job, done.text, flag=flag)
        if done.made:
            write_down(user, Job(pk=done.made, task_path=job.task_path), _("A copy of job %s.") % job.pk, flag=ADDITION)
        return done.made

    flag = DELETION if verb.deletes else CHANGE

    return each(lots, Deed(act_on_many, act), ends=verb.ends)


def _retry(job_id: UUID, by: str) -> Done:
    lifecycle.retry(job_id)
    return Done(_("Retried."))


def _retry_later(at: datetime) -> Verb:
    def act(job_id: UUID, by: str) -> Done:
        lifecycle.retry(job_id, at=at)
        return Done(done)

    done = _("Retried, to be attempted at %(moment)s.") % {"moment": timezone.localtime(at).isoformat(" ", "seconds")}
    return replace(RETRY_AT, act=act, act_on_many=partial(lifecycle.retry_many, at=at), done=done)


def _cancel(job_id: UUID, by: str) -> Done:
    worker_id = lifecycle.cancel(job_id, by=by)
    if not worker_id:
        return Done(_("Cancelled."))
    return Done(_("Cancelled while %(worker)s was running it.") % {"worker": spelled(worker_id)})


def _hasten(job_id: UUID, by: str) -> Done:
    lifecycle.hasten(job_id)
    return Done(_("Run now."))


def _copy(job_id: UUID, by: str) -> Done:
    made = copying.copy(job_id)
    return Done(_("Copied as job %(job)s.") % {"job": made}, made)


def _delete(job_id: UUID, by: str) -> Done:
    for backend in Job.objects.using(alias()).filter(pk=job_id).values_list("backend", flat=True):
        if lifecycle.prune(backend, older_than=timedelta(0), of=Q(pk=job_id), limit=1):
            return Done(_("Deleted."))
    raise WrongState(
        Sentence(
            "Job %(job)s cannot be deleted: it is gone, has not ended, is in doubt, or another may ask for its result.",
            job=job_id,
        )
    )


def _none_together(job_ids: Sequence[UUID]) -> Many:
    return Many()


def _retried(count: int) -> str:
    return ngettext("%(count)s job was retried.", "%(count)s jobs were retried.", count)


def _retried_later(count: int) -> str:
    return ngettext("%(count)s job will be retried then.", "%(count)s jobs will be retried then.", count)


def _cancelled(count: int) -> str:
    return ngettext("%(count)s job was cancelled.", "%(count)s jobs were cancelled.", count)


def _hastened(count: int) -> str:
    return ngettext("%(count)s job is due now.", "%(count)s jobs are due now.", count)


def _copied(count: int) -> str:
    return ngettext("%(count)s job was copied.", "%(count)s jobs were copied.", count)


def _deleted(count: int) -> str:
    return ngettext("%(count)s job was deleted.", "%(count)s jobs were deleted.", count)


RETRY = Verb(
    name="retry",
    label=gettext_lazy("Retry"),
    meaning=gettext_lazy(
        "A failed job is attempted again, now, with full budgets. Steps that were committed are not repeated; the "
        "attempts so far stay on record."
    ),
    statuses=frozenset({TaskResultStatus.FAILED}),
    not_of=frozenset({Outcome.IN_DOUBT}),
    act=_retry,
    act_on_many=lifecycle.retry_many,
    done=gettext_lazy("Retried."),
    told=_retried,
    asks=lambda count: ngettext("Retry %(count)s job", "Retry %(count)s jobs", count),
)
RETRY_AT = replace(
    RETRY,
    name="retry_at",
    label=gettext_lazy("Retry later"),
    meaning=gettext_lazy(
        "A failed job is attempted again at the moment that you say, with full budgets. Steps that were committed are "
        "not repeated; the attempts so far stay on record. Until then it waits, and can be cancelled or run now."
    ),
    told=_retried_later,
    asks=lambda count: ngettext("Retry %(count)s job later", "Retry %(count)s jobs later", count),
    when=_retry_later,
    right=RETRY.permission,
)
CANCEL = Verb(
    name="cancel",
    label=gettext_lazy("Cancel"),
    meaning=gettext_lazy(
        "A waiting job will not run. A running job is stopped, and the database refuses what it still writes; effects "
        "outside the database cannot be taken back. What waits for it ends, too, or begins, as was said when it was "
        "enqueued."
    ),
    statuses=frozenset({TaskResultStatus.READY, TaskResultStatus.RUNNING}),
    act=_cancel,
    act_on_many=lifecycle.cancel_many,
    done=gettext_lazy("Cancelled."),
    told=_cancelled,
    asks=lambda count: ngettext("Cancel %(count)s job", "Cancel %(count)s jobs", count),
    ends=True,
)
RUN = Verb(
    name="run",
    label=gettext_lazy("Run now"),
    meaning=gettext_lazy(
        "A job that waits for its time is due now. What else it waits for, its limit, other jobs or a commit, it waits "
        "for as before."
    ),
    statuses=frozenset({TaskResultStatus.READY}),
    later=True,
    act=_hasten,
    act_on_many=_none_together,
    done=gettext_lazy("Run now."),
    told=_hastened,
    asks=lambda count: ngettext("Run %(count)s job now", "Run %(count)s jobs now", count),
)
COPY = Verb(
    name="copy",
    label=gettext_lazy("Copy"),
    meaning=gettext_lazy(
        "A new job is enqueued with the same task, arguments, queue, priority, tags and backend, due at once. The "
        "code of the task runs once more, and so do its effects: to the ledger and to other sides it is another job. "
        "It has no idempotency key and waits for no other job. The job that is copied stays as it is."
    ),
    statuses=frozenset(TaskResultStatus.values),
    not_of=frozenset({Outcome.IN_DOUBT}),
    makes=True,
    act=_copy,
    act_on_many=_none_together,
    done=gettext_lazy("Copied."),
    told=_copied,
    asks=lambda count: ngettext("Copy %(count)s job", "Copy %(count)s jobs", count),
)
DELETE = Verb(
    name="forget",
    label=gettext_lazy("Delete"),
    meaning=gettext_lazy(
        "A job that has ended is forgotten now, with its attempts and steps, as it would be when its retention is "
        "over. What was enqueued under an idempotency key stays known."
    ),
    statuses=frozenset({TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED}),
    not_of=frozenset({Outcome.IN_DOUBT}),
    act=_delete,
    act_on_many=_none_together,
    done=gettext_lazy("Deleted."),
    told=_deleted,
    asks=lambda count: ngettext("Delete %(count)s job", "Delete %(count)s jobs", count),
    deletes=True,
    right="delete_job",
)
VERBS = {verb.name: verb for verb in (RETRY, RETRY_AT, CANCEL, RUN, COPY, DELETE)}


def done_text(verb: Verb, count: int) -> str:
    """Return the sentence that says to how many jobs it was done."""
    return verb.told(count) % {"count": number(count)}


def followed_texts(report: Report) -> list[str]:
    """Return what came of the jobs that waited for these, a sentence for each."""
    texts = []
    if report.ended:
        text = ngettext(
            "%(count)s job that waited has ended, too.",
            "%(count)s jobs that waited have ended, too.",
            report.ended,
        )
        texts.append(text % {"count": number(report.ended)})
    if report.let_go:
        text = ngettext(
            "%(count)s job that waited may begin now.", "%(count)s jobs that waited may begin now.", report.let_go
        )
        texts.append(text % {"count": number(report.let_go)})
    return texts
