"""Imported once by the fork server: what executors have in common is loaded, and then shared by all of them."""

import contextlib
import gc
import signal

import django

from jobqueue.worker.lifeline import die_with_parent

# By itself a fork server lives for as long as the last of its children, and their lives hang on its.
die_with_parent()
# A service manager or a terminal signals every process of a worker at once; this one ends when its worker does.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)

# What fails here fails again, visibly, in the executor; here it would only take the fork server with it.
with contextlib.suppress(Exception):
    django.setup()

    import jobqueue.worker.executor.process  # noqa: F401
    from jobqueue.task import discover

    discover()

# A connection that an app has opened as it was loaded would be one for all executors, who would garble it.
with contextlib.suppress(Exception):
    from django.db import connections

    connections.close_all()

gc.freeze()
