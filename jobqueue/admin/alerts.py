"""What is wrong with a job, or keeps it waiting, said with what to do about it."""

from __future__ import annotations

from django.tasks import TaskResultStatus
from django.utils.translation import gettext as _

from ..backend import backend_of
from ..database import DatabaseNow, alias
from ..models import Gate, Job, Outcome, PausedQueue, Worker
from ..spelling import spelled
from .glance import Glance, glance_of
from .liveness import serves


def alerts(job: Job) -> list[str]:
    """Return the alerts of a job that has been looked at, as plain text."""
    glance = glance_of(job)
    found = []
    if not glance.known:
        found.append(_unknown(job))
    if backend_of(job.backend) is None:
        text = _("TASKS has no backend of jobqueue named “%(backend)s” in this process.")
        found.append(text % {"backend": spelled(job.backend)})
    if job.status == TaskResultStatus.FAILED and job.outcome == Outcome.IN_DOUBT:
        found.append(_("Whether something was delivered outside the database is in doubt: find out, and decide below."))
    if job.status == TaskResultStatus.READY:
        found += _waiting(job, glance)
    if job.status == TaskResultStatus.RUNNING and (glance.sign is None or glance.sign.left <= 0):
        text = _("Its owner “%(worker)s” shows no sign of life. A live worker of the backend will rescue the job.")
        found.append(text % {"worker": spelled(job.worker_id)})
    return found


def notes(job: Job) -> list[str]:
    """Return what explains the state of a job in which nothing is wrong."""
    if job.status == TaskResultStatus.READY and job.gate == Gate.COMMIT:
        return [
            _(
                "It belongs to a transaction on another database. No worker takes it before that is committed; if that "
                "is undone, so is the job."
            )
        ]
    return []


def _unknown(job: Job) -> str:
    text = _("No task “%(task)s” is registered in this process.") % {"task": spelled(job.task_path)}
    if job.status == TaskResultStatus.READY:
        text += " " + _("The job stays READY: deploy a version that has it, or cancel the job.")
    return text


def _waiting(job: Job, glance: Glance) -> list[str]:
    found = []
    if glance.paused:
        found.append(_("The task is paused: workers leave its jobs READY until it is resumed."))
    if PausedQueue.objects.using(alias()).filter(backend=job.backend, name=job.queue).exists():
        text = _("The queue “%(queue)s” is paused: workers leave its jobs READY until it is resumed.")
        found.append(text % {"queue": spelled(job.queue)})
    if job.due_at <= glance.now and not _is_served(job):
        text = _("No live worker serves the queue “%(queue)s” of backend “%(backend)s”: start one with runworkers.")
        found.append(text % {"queue": spelled(job.queue), "backend": spelled(job.backend)})
    return found


def _is_served(job: Job) -> bool:
    workers = Worker.objects.using(alias()).filter(backend=job.backend, stopped_at=None).annotate(now=DatabaseNow())
    return any(serves(worker, job.backend, job.queue) for worker in workers)
