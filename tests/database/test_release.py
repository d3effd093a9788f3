"""release: handed back, uncharged."""

from datetime import timedelta

import pytest

from jobqueue import lifecycle
from jobqueue.lifecycle import Renewal
from jobqueue.models import Attempt
from tests import rows

pytestmark = pytest.mark.django_db


def test_a_job_handed_back_is_ready_at_once_and_has_cost_nothing():
    claim = rows.claimed()
    assert lifecycle.release([claim.fence], started=True) == 1
    job = rows.job(claim.job_id)
    assert (job.status, job.outcome, job.token, job.failures, job.crashes) == ("READY", "released", None, 0, 0)
    assert rows.claim()[0].job_id == claim.job_id


def test_one_handed_back_for_later_waits():
    claim = rows.claimed()
    lifecycle.release([claim.fence], started=False, delay=30.0)
    job = rows.job(claim.job_id)
    assert job.due_at - job.started_at == pytest.approx(timedelta(seconds=30), abs=timedelta(seconds=5))
    assert rows.claim() == []


def test_what_had_begun_leaves_a_record_and_what_had_not_leaves_none():
    begun, waiting = rows.claimed(), rows.claimed()
    lifecycle.record_renewals("w-1", [Renewal(begun.fence, 1, 7), Renewal(waiting.fence, 1, 7)])
    assert lifecycle.release([begun.fence], started=True) == 1
    assert lifecycle.release([waiting.fence], started=False) == 1
    attempt = Attempt.objects.get()
    assert (attempt.job_id, attempt.outcome, attempt.renewals) == (begun.job_id, "released", 1)
    assert attempt.ended_at is not None


def test_it_tells_how_many_were_ours():
    ours, lost = rows.claimed(), rows.claimed()
    lifecycle.cancel(lost.job_id)
    assert lifecycle.release([lost.fence, ours.fence], started=True) == 1


def test_a_claim_that_was_never_heard_of_is_handed_back_by_its_token_alone():
    claim = rows.claimed()
    assert lifecycle.release([claim.fence._replace(attempt=0)], started=False) == 1
    assert rows.job(claim.job_id).status == "READY"


def test_a_whole_claim_is_handed_back_together(django_assert_max_num_queries):
    for _ in range(20):
        rows.enqueue()
    claims = rows.claim(limit=20)
    lost = claims[7]
    lifecycle.crash(lost.fence, rows.CRASHED_FOR_NOW)

    with django_assert_max_num_queries(5):
        assert lifecycle.release([claim.fence for claim in claims], started=False) == 19

    # What somebody else has ended stays as they wrote it down.
    assert [(attempt.job_id, attempt.outcome) for attempt in Attempt.objects.all()] == [(lost.job_id, "crashed")]
    assert (rows.job(lost.job_id).crashes, rows.job(claims[0].job_id).crashes) == (1, 0)
