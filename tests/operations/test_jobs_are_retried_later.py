"""A retry may be for later: failed jobs are READY then and wait for that moment, each and many together."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError
from django.utils import timezone

from jobqueue import lifecycle, operations
from jobqueue.models import Attempt, Job
from tests import rows
from tests.operations.test_the_jobs_command import jobs

pytestmark = pytest.mark.django_db(transaction=True)


def failed() -> uuid.UUID:
    claim = rows.claimed()
    lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    return claim.job_id


@pytest.mark.parametrize("number", [1, 3])
def test_no_worker_takes_them_before(number: int) -> None:
    ids = [failed() for _ in range(number)]
    at = timezone.now() + timedelta(hours=1)
    assert operations.retry(Job.objects.all(), at=at).done == number
    assert rows.claim(limit=9) == []
    assert {rows.job(it).status for it in ids} == {"READY"}
    assert {abs(rows.job(it).due_at - at) < timedelta(milliseconds=1) for it in ids} == {True}
    assert operations.run_now(Job.objects.all()).done == number
    assert len(rows.claim(limit=9)) == number


def test_a_moment_that_is_over_is_now() -> None:
    for _ in range(2):
        failed()
    operations.retry(Job.objects.all(), at=timezone.now() - timedelta(days=1))
    assert len(rows.claim(limit=9)) == 2


def test_one_whose_body_may_still_run_is_not_sooner_than_that() -> None:
    rows.worker(lease=600)
    claim = rows.claimed()
    lifecycle.cancel(claim.job_id)
    assert Attempt.objects.get().outcome == "cancelled"
    lifecycle.retry(claim.job_id, at=timezone.now() + timedelta(seconds=5))
    assert rows.job(claim.job_id).due_at > timezone.now() + timedelta(seconds=500)


def test_the_command_takes_a_delay_or_a_time() -> None:
    job_id = failed()
    assert jobs("retry", job_id, "--at", "2h") == "1 job was retried."
    assert timedelta(minutes=119) < rows.job(job_id).due_at - timezone.now() < timedelta(minutes=121)
    lifecycle.cancel(job_id)
    at = (timezone.now() + timedelta(days=2)).replace(microsecond=0)
    jobs("retry", job_id, "--at", at.isoformat())
    assert rows.job(job_id).due_at == at


@pytest.mark.parametrize("when", ["soon", "-1h", datetime(2020, 1, 1).isoformat()])
def test_the_command_refuses_what_is_no_moment(when: str) -> None:
    job_id = failed()
    with pytest.raises(CommandError, match=r"--at .*moment") as error:
        jobs("retry", job_id, f"--at={when}")
    assert error.value.returncode == 2
    assert rows.job(job_id).status == "FAILED"
