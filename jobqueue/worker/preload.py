"""Imported once by the fork server: what executors have in common is loaded, and then shared by all of them."""

import contextlib
import gc

import django

# What fails here fails again, visibly, in the executor; here it would only take the fork server with it.
with contextlib.suppress(Exception):
    django.setup()

    import jobqueue.worker.executor.process
    from jobqueue.task import discover

    discover()
    jobqueue.worker.executor.process.gc.collect()

gc.freeze()
