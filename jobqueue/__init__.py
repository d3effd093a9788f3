"""jobqueue: background jobs for Django that a stalled worker cannot run twice.

A job is a row. A worker *claims* it, which mints a fence (a number that rises and a fresh token), and holds a *lease*
on it that is renewed while the work lives. Others touch the job only when the lease and the worker's heartbeat are
both gone. Should an owner wake up after that, the database refuses its writes, because they name a token that is no
longer the job's.

This module is what the body of a task needs; everything else is found through Django: ``jobqueue.backend`` in TASKS,
``runworkers`` and ``drill`` among the management commands, the tables in the admin.
"""

from .current import current_job, once

__version__ = "0.1.0"
__all__ = ["current_job", "once"]
