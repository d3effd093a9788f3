"""What is wrong with a job, said with what to do about it. What keeps one waiting is in `waiting`."""

from __future__ import annotations

from django.tasks import TaskResultStatus
from django.utils.translation import gettext as _

from ..backend import backend_of
from ..models import Job, Outcome
from ..spelling import spelled
from .glance import glance_of


def alerts(job: Job) -> list[str]:
    """Return the alerts of a job that has been looked at, as plain text."""
    glance = glance_of(job)
    found = []
    if job.status == TaskResultStatus.READY:
        return []
    if not glance.known:
        found.append(_("No task “%(task)s” is registered in this process.") % {"task": spelled(job.task_path)})
    if backend_of(job.backend) is None:
        text = _("TASKS has no backend of jobqueue named “%(backend)s” in this process.")
        found.append(text % {"backend": spelled(job.backend)})
    if job.status == TaskResultStatus.FAILED and job.outcome == Outcome.IN_DOUBT:
        found.append(_("Whether something was delivered outside the database is in doubt: find out, and decide below."))
    if job.status == TaskResultStatus.RUNNING and (glance.sign is None or glance.sign.left <= 0):
        text = _("Its owner “%(worker)s” shows no sign of life. A live worker of the backend will rescue the job.")
        found.append(text % {"worker": spelled(job.worker_id)})
    return found
