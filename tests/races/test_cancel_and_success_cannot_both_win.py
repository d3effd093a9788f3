"""A job is cancelled or successful, never first the one and then the other. S2, S3."""

import pytest
from django.db import connection

from jobqueue import lifecycle
from jobqueue.errors import WrongState
from tests import rows


def test_a_job_that_is_being_committed_cannot_be_cancelled(anna, bert):
    claim = rows.claimed()
    bert.defer()
    anna.begin()
    assert anna.do(lifecycle.succeed, connection, claim.fence, None)

    cancelled = bert.start(lifecycle.cancel, claim.job_id)
    if connection.vendor == "sqlite":
        bert.waits(cancelled)
        anna.commit()
        with pytest.raises(WrongState, match="is SUCCESSFUL already"):
            cancelled.result(10)
    else:
        # Nobody who presses a button waits for somebody's transaction.
        with pytest.raises(WrongState, match="look again"):
            cancelled.result(10)
        anna.commit()
    assert rows.job(claim.job_id).status == "SUCCESSFUL"


def test_a_job_that_is_being_cancelled_cannot_succeed(anna, bert):
    claim = rows.claimed()
    anna.begin()
    assert anna.do(lifecycle.cancel, claim.job_id) == "w-1"
    late = bert.start(lifecycle.succeed, connection, claim.fence, None)
    bert.waits(late)

    anna.commit()
    assert late.result(10) is False
    job = rows.job(claim.job_id)
    assert (job.status, job.outcome) == ("FAILED", "cancelled")


def test_a_job_that_is_being_claimed_is_not_cancelled_as_if_it_waited(anna, bert):
    job_id = rows.enqueue()
    anna.begin()
    assert anna.do(rows.claim)
    cancelled = bert.start(lifecycle.cancel, job_id)
    if connection.vendor == "sqlite":
        bert.waits(cancelled)
        anna.commit()
        assert cancelled.result(10) == "w-1"
    else:
        with pytest.raises(WrongState, match="look again"):
            cancelled.result(10)
        anna.commit()
        assert rows.job(job_id).status == "RUNNING"
