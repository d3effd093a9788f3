"""jobqueue: background jobs for Django that a stalled worker cannot run twice.

A job is a row. A worker *claims* it, which mints a fence (a number that rises and a fresh token), and holds a *lease*
on it that is renewed while the work lives. Others touch the job only when the lease and the worker's heartbeat are
both gone. Should an owner wake up after that, the database refuses its writes, because they name a token that is no
longer the job's.

This module is what the body of a task needs, and whoever enqueues jobs that belong together, or by a schedule; all
else is found through Django: ``jobqueue.backend`` in TASKS, ``runworkers`` and ``drill`` among the management
commands, the tables in the admin.
"""

from .current import current_job, deliver, once, once_on
from .errors import HandBack, NotDelivered, Retry
from .planning import schedule
from .workflows import call, chain, group

__version__ = "0.1.0"
__all__ = [
    "HandBack",
    "NotDelivered",
    "Retry",
    "call",
    "chain",
    "current_job",
    "deliver",
    "group",
    "once",
    "once_on",
    "schedule",
]
