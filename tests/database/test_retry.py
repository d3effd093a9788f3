"""retry: a failed job is attempted again by an operator's word, under a new fence. S2, S4."""

import uuid

import pytest
from django.db import connection

from jobqueue import lifecycle
from jobqueue.errors import WrongState
from jobqueue.models import Attempt
from tests import rows

pytestmark = pytest.mark.django_db


def test_a_failed_job_is_ready_again_with_full_budgets_and_its_history():
    lifecycle.crash(rows.claimed().fence, rows.CRASHED_FOR_NOW)
    (claim,) = rows.claim()
    lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    lifecycle.retry(claim.job_id)
    job = rows.job(claim.job_id)
    assert (job.status, job.outcome, job.failures, job.crashes) == ("READY", "", 0, 0)
    assert (job.finished_at, job.token, job.attempt) == (None, None, 2)
    assert Attempt.objects.count() == 2

    (again,) = rows.claim()
    assert (again.job_id, again.attempt) == (claim.job_id, 3)
    assert again.token != claim.token
    assert not lifecycle.succeed(connection, claim.fence, None)


def test_a_cancelled_job_can_be_retried():
    job_id = rows.enqueue()
    lifecycle.cancel(job_id)
    lifecycle.retry(job_id)
    assert rows.claim()[0].job_id == job_id


@pytest.mark.parametrize("state", ["READY", "RUNNING", "SUCCESSFUL", "unknown"])
def test_nothing_else_can_be_retried(state):
    claim = rows.claimed()
    if state == "READY":
        lifecycle.release([claim.fence], started=False)
    elif state == "SUCCESSFUL":
        lifecycle.succeed(connection, claim.fence, None)
    before = rows.everything(claim.job_id)
    with pytest.raises(WrongState, match="is not FAILED"):
        lifecycle.retry(uuid.uuid4() if state == "unknown" else claim.job_id)
    assert rows.everything(claim.job_id) == before
