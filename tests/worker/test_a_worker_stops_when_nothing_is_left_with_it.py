"""Stopping: what an executor gives back unbegun is handed back to the queue before the worker goes, uncharged."""

from __future__ import annotations

from typing import cast

import pytest
from django.tasks import task_backends

from jobqueue.backend import JobQueueBackend
from jobqueue.worker.supervisor import Settings, Supervisor
from tests import rows

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_job_that_nobody_runs_any_more_is_waited_for_until_it_is_handed_back() -> None:
    backend = cast(JobQueueBackend, task_backends["plain"])
    supervisor = Supervisor(backend, Settings(queues=("default",), concurrency=1))
    assert not supervisor._busy()
    claim = rows.claimed(supervisor.identity.id)
    supervisor._holdings.add(claim)
    supervisor._feed.hand([claim])  # There is no executor.
    supervisor.dispatcher.claiming = False
    assert supervisor._busy()
    supervisor._step_until(lambda: not supervisor._busy(), seconds=10)
    assert not supervisor._busy()
    job = rows.job(claim.job_id)
    assert (job.status, job.crashes) == ("READY", 0)
