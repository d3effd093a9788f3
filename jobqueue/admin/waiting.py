"""Why a job that is READY does not run yet, in words: all that keeps it, or how it stands in its queue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from django.tasks import TaskResultStatus
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..backend import backend_of
from ..database import alias
from ..limits import Policies
from ..models import Gate, Job, Limit, Outcome, PausedQueue, Worker
from ..relatives import MOST, Relative
from . import cells
from .glance import Glance, glance_of
from .inert import inert
from .limits import holders_of
from .liveness import not_signed_off, serves
from .paging import AtLeast
from .signs import executors_of
from .tasks import tasks_here
from .times import moment, span

_LOOKED_AT = 1000
_NAMED = 10
_NOT_ENDED = (TaskResultStatus.READY, TaskResultStatus.RUNNING)


class Reason(NamedTuple):
    """A sentence; `alarm` is whether it stays so until somebody does something."""

    text: SafeString
    alarm: bool = False


def reasons(job: Job, earlier: Sequence[Relative]) -> list[Reason]:
    """Return why a job that has been looked at waits, at least one reason; none when it does not wait.

    ``earlier`` are the jobs that were named when it was enqueued.
    """
    if job.status != TaskResultStatus.READY:
        return []
    glance = glance_of(job)
    found = [*_unknown(job, glance), *_paused(job, glance), *_gate(job, earlier, glance.now)]
    if job.gate in (Gate.OPEN, Gate.LIMIT):
        found += _time(job, glance.now)
        workers = [worker for worker in not_signed_off() if serves(worker, job.backend, job.queue)]
        if not workers:
            found.append(_not_served(job))
        elif not found:
            found += _turn(job, glance.now, workers)
    return found


def _unknown(job: Job, glance: Glance) -> Iterator[Reason]:
    if backend_of(job.backend) is None:
        yield _said(
            _("TASKS has no backend of jobqueue named “%(backend)s” in this process."), alarm=True, backend=job.backend
        )
    if not glance.known:
        text = _(
            "No task “%(task)s” is registered in this process. The job stays READY: deploy a version that has it, or "
            "cancel the job."
        )
        yield _said(text, alarm=True, task=job.task_path)
    elif not glance.declared:
        yield _said(
            _("No worker has declared the task “%(task)s” yet: a worker that was started before it was written does "
              "not take it."),
            alarm=True,
            task=job.task_path,
        )  # fmt: skip


def _paused(job: Job, glance: Glance) -> Iterator[Reason]:
    if glance.paused:
        text = _("The task is paused: workers leave its jobs READY until it is resumed. (%(task)s)")
        yield _said(text, alarm=True, task=cells.link("taskdefinition", job.task_path, inert(job.task_path)))
    if PausedQueue.objects.using(alias()).filter(backend=job.backend, name=job.queue).exists():
        text = _("The queue “%(queue)s” is paused: workers leave its jobs READY until it is resumed.")
        yield _said(text, alarm=True, queue=job.queue)


def _gate(job: Job, earlier: Sequence[Relative], now: datetime) -> Iterator[Reason]:
    match job.gate:
        case Gate.OPEN:
            return
        case Gate.AFTER:
            yield _behind(earlier)
        case Gate.COMMIT:
            text = _(
                "It belongs to a transaction on another database. No worker takes it before that is committed; if that "
                "is undone, so is the job."
            )
            yield _said(text)
        case Gate.LIMIT:
            yield from _limit(job, now)
        case _:
            yield _said(_("It waits at a gate that this version does not know: “%(gate)s”."), alarm=True, gate=job.gate)


def _behind(earlier: Sequence[Relative]) -> Reason:
    left = [it for it in earlier if it.job is not None and it.job.status in _NOT_ENDED]
    if not left and len(earlier) >= MOST:
        text = _("The first %(count)s jobs that it waits for have ended; there are others.")
        return _said(text, count=str(len(earlier)))
    if not left:
        return _said(_("All that it waits for has ended: a worker opens its gate in a moment."))
    text = ngettext("It waits for %(count)s job: %(jobs)s", "It waits for %(count)s jobs: %(jobs)s", len(left))
    return _said(text, count=str(len(left)), jobs=_links(it.job for it in left if it.job))


def _limit(job: Job, now: datetime) -> Iterator[Reason]:
    key, allowance = job.limit_key, Policies(tasks_here()).of_job(job.limit_key, job.task_path)
    named = cells.jobs_link(inert(key), limit_key=key)
    if allowance.most is not None:
        holders = holders_of(job)
        if len(holders) >= allowance.most:
            text = _("Its limit is full: %(running)s of %(most)s jobs with the key %(key)s run: %(jobs)s")
            yield _said(text, running=str(len(holders)), most=str(allowance.most), key=named, jobs=_links(holders))
    if allowance.rate is not None:
        next_at = Limit.objects.using(alias()).filter(pk=key).values_list("next_at", flat=True).first()
        if not allowance.rate.turns(next_at, now):
            text = _("Its rate of %(rate)s is used up for the key %(key)s: the next one may begin in %(wait)s.")
            yield _said(text, rate=str(allowance.rate), key=named, wait=span(allowance.rate.wait(next_at, now)))


def _time(job: Job, now: datetime) -> Iterator[Reason]:
    wait = (job.due_at - now).total_seconds()
    if wait <= 0:
        return
    texts = {
        Outcome.RAISED.value: _("Its last attempt raised. The next one is due at %(at)s, in %(wait)s."),
        Outcome.TIMED_OUT.value: _("Its last attempt took too long. The next one is due at %(at)s, in %(wait)s."),
        Outcome.RELEASED.value: _("It was handed back. Its next attempt is due at %(at)s, in %(wait)s."),
    }
    text = texts.get(job.outcome, _("It is due at %(at)s, in %(wait)s."))
    yield _said(text, at=moment(job.due_at), wait=span(wait))


def _not_served(job: Job) -> Reason:
    text = _("No live worker serves the queue “%(queue)s” of backend “%(backend)s”: start one with runworkers.")
    return _said(text, alarm=True, queue=job.queue, backend=job.backend)


def _turn(job: Job, now: datetime, workers: Sequence[Worker]) -> Iterator[Reason]:
    """Yield how a job stands that nothing keeps but its turn."""
    busy = sum(bool(running) for worker in workers for _pid, running in executors_of(worker))
    many = max(busy, sum(worker.seats for worker in workers))
    if busy >= many:
        text = _("All workers are busy: %(busy)s of %(many)s seats at those that serve its queue are taken.")
    elif busy >= sum(worker.concurrency for worker in workers):
        # An executor may have seats for functions and seats for coroutines.
        text = _(
            "It is due: a worker takes it as soon as a seat for it is free. %(busy)s of %(many)s seats at those that "
            "serve its queue are taken."
        )
    else:
        text = _(
            "It is due: a worker takes it in a moment. %(busy)s of %(many)s seats at those that serve its queue are "
            "taken."
        )
    yield _said(text, busy=str(busy), many=str(many))
    if job.gate == Gate.OPEN:
        before = _before(job, now)
        text = ngettext(
            "About %(count)s job of its queue comes before it.",
            "About %(count)s jobs of its queue come before it.",
            before,
        )
        yield _said(text if before else _("It is the next of its queue."), count=str(before))


def _before(job: Job, now: datetime) -> int:
    """Return how many due jobs of its queue are claimed before one, of the first thousand: as the index has them."""
    waiting = Job.objects.using(alias()).ready().filter(gate=Gate.OPEN, backend=job.backend, queue=job.queue)
    first = list(waiting.order_by("-priority", "due_at", "id").values_list("pk", "due_at")[:_LOOKED_AT])
    ahead = sum(due_at <= now for _pk, due_at in takewhile(lambda row: row[0] != job.pk, first))
    return ahead if any(pk == job.pk for pk, _due in first) or len(first) < _LOOKED_AT else AtLeast(ahead)


def _links(jobs: Iterable[Job]) -> SafeString:
    shown = list(jobs)
    links = format_html_join(", ", "{}", ((cells.link("job", job.pk, _short(job)),) for job in shown[:_NAMED]))
    more = len(shown) - _NAMED
    return format_html(_("{links} and {more} more"), links=links, more=more) if more > 0 else links


def _short(job: Job) -> SafeString:
    """Return the name of a job's task, and as much of its id as tells it from others of the day."""
    return inert(f"{job.task_path.rpartition('.')[2]} …{str(job.pk)[-8:]}", most=80)


def _said(text: str, *, alarm: bool = False, **values: str) -> Reason:
    """Return a sentence of ours with others' texts in it, or with HTML of ours."""
    shown = {name: value if isinstance(value, SafeString) else inert(value, most=300) for name, value in values.items()}
    return Reason(mark_safe(escape(text) % shown), alarm)  # noqa: S308  (escaped, and inert)
