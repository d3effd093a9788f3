"""Tasks that a worker knows by their code: JOBQUEUE_TEST_OLD_CODE makes it an older one."""

from __future__ import annotations

import os

from django.tasks import task

from jobqueue import current_job
from tests.app.fault_tasks import leave, leaves, say

IS_OLD = "JOBQUEUE_TEST_OLD_CODE" in os.environ

if not IS_OLD:

    @leaves("line")
    @task
    def new() -> str:
        """Is not there in the old code."""
        say("start")
        leave("line")
        return str(current_job().id)


if IS_OLD:

    @leaves("line")
    @task(max_attempts=1)
    def changed(name: str) -> str:
        """Take one argument."""
        leave("line")
        return str(current_job().id)

else:

    @leaves("line")
    @task(max_attempts=1)
    def changed(name: str, colour: str) -> str:  # type: ignore[misc]
        """Take two arguments."""
        leave("line")
        return str(current_job().id)
