"""cancel: a job that waits or runs is FAILED by somebody's word."""

import uuid

import pytest
from django.db import connection

from jobqueue import lifecycle
from jobqueue.errors import WrongState
from jobqueue.models import Attempt
from tests import rows

pytestmark = pytest.mark.django_db


def test_a_waiting_job_is_over_and_was_never_attempted():
    job_id = rows.enqueue()
    assert lifecycle.cancel(job_id, by="ada") is None
    job = rows.job(job_id)
    assert (job.status, job.outcome, job.attempt) == ("FAILED", "cancelled", 0)
    assert job.finished_at is not None
    assert not Attempt.objects.exists()
    assert rows.claim() == []


def test_a_running_job_is_over_and_its_worker_is_told_of():
    claim = rows.claimed("w-5")
    assert lifecycle.cancel(claim.job_id, by="ada") == "w-5"
    job = rows.job(claim.job_id)
    assert (job.status, job.outcome, job.token) == ("FAILED", "cancelled", None)
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.traceback) == ("cancelled", "Cancelled by ada while it was running.")
    assert not lifecycle.succeed(connection, claim.fence, None)


def test_what_is_over_cannot_be_cancelled():
    claim = rows.claimed()
    lifecycle.succeed(connection, claim.fence, None)
    with pytest.raises(WrongState, match="is SUCCESSFUL already"):
        lifecycle.cancel(claim.job_id)
    other = rows.enqueue()
    lifecycle.cancel(other)
    with pytest.raises(WrongState, match="is FAILED already"):
        lifecycle.cancel(other)


def test_what_never_was_cannot_be_cancelled():
    with pytest.raises(WrongState, match="does not exist"):
        lifecycle.cancel(uuid.uuid4())
