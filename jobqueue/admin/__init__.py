"""The admin: where people look at jobs, press Retry and Cancel, pause, resume and schedule. The rest is read-only.

Pages are built from rows of the database and, for what is running, from one look at Redis. Nothing here changes a job
but through the verbs of `lifecycle`, the same that workers use. What a page shows of others' data is inert text.
"""

from __future__ import annotations

from django.contrib import admin

from .definitions import TaskDefinitionAdmin
from .entries import LedgerEntryAdmin
from .jobs import JobAdmin
from .limits import LimitAdmin
from .queues import PausedQueueAdmin
from .schedules import ScheduleAdmin
from .workers import WorkerAdmin

__all__ = [
    "JobAdmin",
    "LedgerEntryAdmin",
    "LimitAdmin",
    "PausedQueueAdmin",
    "ScheduleAdmin",
    "TaskDefinitionAdmin",
    "WorkerAdmin",
]

# The index of the site tells how jobs are, unless the project has given it a template of its own.
if admin.site.index_template is None:
    admin.site.index_template = "jobqueue/admin/index.html"
