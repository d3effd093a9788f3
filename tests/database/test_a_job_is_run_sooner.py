"""hasten: a job that waits for its time is due at once, and for nothing else it does not wait any longer."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.errors import WrongState
from jobqueue.models import Gate, Job
from tests import rows
from tests.app.tasks import echo

pytestmark = pytest.mark.django_db

LATER = timedelta(hours=1)


def later(**using):
    return uuid.UUID(echo.using(run_after=timezone.now() + LATER, **using).enqueue(1).id)


def test_one_that_is_delayed_is_claimed_now():
    job_id = later()
    assert rows.claim() == []
    lifecycle.hasten(job_id)
    rows.let_time_pass()
    assert [claim.job_id for claim in rows.claim()] == [job_id]


def test_so_is_one_that_waits_to_be_tried_again():
    claim = rows.claimed()
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    Job.objects.update(due_at=timezone.now() + LATER)
    lifecycle.hasten(claim.job_id)
    rows.let_time_pass()
    assert len(rows.claim()) == 1
    assert rows.job(claim.job_id).failures == 1


@pytest.mark.parametrize("state", ["due", "running", "done", "gone"])
def test_others_cannot_be(state):
    job_id = uuid.uuid4() if state == "gone" else rows.enqueue()
    if state in ("running", "done"):
        (claim,) = rows.claim()
        if state == "done":
            lifecycle.cancel(claim.job_id)
    before = rows.everything(job_id)
    with pytest.raises(WrongState, match="is due already" if state == "due" else "does not wait"):
        lifecycle.hasten(job_id)
    assert rows.everything(job_id) == before


def test_a_gate_stays_closed():
    first = echo.enqueue(1)
    job_id = later(after=[first])
    lifecycle.hasten(job_id)
    assert rows.job(job_id).gate == Gate.AFTER
    rows.let_time_pass()
    assert [str(claim.job_id) for claim in rows.claim(limit=5)] == [first.id]


def test_a_body_that_is_being_stopped_is_not_overtaken():
    rows.worker("w-1", lease=30.0)
    claim = rows.claimed("w-1")
    lifecycle.cancel(claim.job_id)
    lifecycle.retry(claim.job_id)
    due_at = rows.job(claim.job_id).due_at
    assert due_at > timezone.now() + timedelta(seconds=20)
    with pytest.raises(WrongState, match="as soon as can be"):
        lifecycle.hasten(claim.job_id)
    Job.objects.update(due_at=due_at + LATER)
    lifecycle.hasten(claim.job_id)
    assert abs(rows.job(claim.job_id).due_at - due_at) < timedelta(seconds=1)
    assert rows.claim() == []
