"""retry: a failed job is attempted again by an operator's word, under a new fence. S2, S4."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.errors import WrongState
from jobqueue.models import Attempt, Job
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


def test_a_job_that_was_cancelled_while_it_ran_waits_until_its_body_has_been_stopped():
    claim = rows.claimed()
    rows.worker("w-1", lease=3600)
    lifecycle.cancel(claim.job_id)
    lifecycle.retry(claim.job_id)
    assert rows.claim() == []
    job = rows.job(claim.job_id)
    assert timedelta(minutes=59) < job.due_at - timezone.now() <= timedelta(hours=1)
    assert job.status == "READY"


def test_its_body_has_been_stopped_once_a_lease_is_over():
    claim = rows.claimed()
    rows.worker("w-1", lease=3600)
    lifecycle.cancel(claim.job_id)
    Job.objects.filter(pk=claim.job_id).update(finished_at=timezone.now() - timedelta(hours=1))
    lifecycle.retry(claim.job_id)
    assert [again.job_id for again in rows.claim()] == [claim.job_id]


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
