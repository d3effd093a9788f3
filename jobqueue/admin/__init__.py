"""The admin: where people look at jobs, and press Retry and Cancel. Everything else is read-only.

Pages are built from rows of the database and, for what is running, from one look at Redis. Nothing here changes a job
but through the verbs of `lifecycle`, the same that workers use. What a page shows of others' data is inert text.
"""

from __future__ import annotations

from .definitions import TaskDefinitionAdmin
from .entries import LedgerEntryAdmin
from .jobs import JobAdmin
from .workers import WorkerAdmin

__all__ = ["JobAdmin", "LedgerEntryAdmin", "TaskDefinitionAdmin", "WorkerAdmin"]
