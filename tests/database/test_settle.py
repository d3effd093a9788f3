"""succeed, hold, decided, settle: the ways of a claim that goes well. S3, S8."""

import pytest
from django.db import connection, transaction

from jobqueue import lifecycle
from tests import rows
from tests.app.models import Counter

pytestmark = pytest.mark.django_db


def test_a_success_keeps_its_result_and_its_token():
    claim = rows.claimed()
    assert lifecycle.succeed(connection, claim.fence, '{"a": ["ü", null]}')
    job = rows.job(claim.job_id)
    assert (job.status, job.outcome, job.result, job.token) == ("SUCCESSFUL", "ok", {"a": ["ü", None]}, claim.token)
    assert job.finished_at >= job.started_at
    assert job.worker_id == "w-1"


def test_no_result_is_none():
    claim = rows.claimed()
    assert lifecycle.succeed(connection, claim.fence, None)
    assert rows.job(claim.job_id).result is None


def test_success_and_effects_are_one():
    claim = rows.claimed()
    with transaction.atomic():
        Counter.objects.create(name="effect")
        assert lifecycle.succeed(connection, claim.fence, None)
        transaction.set_rollback(True)
    assert rows.job(claim.job_id).status == "RUNNING"
    assert not Counter.objects.exists()


def test_only_a_success_under_this_fence_is_decided():
    claim = rows.claimed()
    assert not lifecycle.decided(connection, claim.fence)
    lifecycle.succeed(connection, claim.fence, None)
    assert lifecycle.decided(connection, claim.fence)
    assert not lifecycle.decided(connection, rows.forged(claim.fence))


def test_holding_changes_nothing_that_anybody_sees():
    claim = rows.claimed()
    before = rows.everything(claim.job_id)
    assert lifecycle.hold(connection, claim.fence, steps=0)
    assert lifecycle.hold(connection, claim.fence, steps=1)
    after = rows.everything(claim.job_id)
    assert after.pop("fenced_at") >= after["started_at"]
    assert before.pop("fenced_at") is None
    assert (before.pop("steps"), after.pop("steps")) == (0, 2)
    assert after == before


def test_a_batch_settles_what_is_ours_and_tells_which():
    first, second, lost = (rows.claimed() for _ in range(3))
    lifecycle.release([lost.fence], started=True)
    outcomes = [(first.fence, "[1]"), (second.fence, None), (lost.fence, "[3]"), (rows.forged(lost.fence), "[4]")]

    assert lifecycle.settle(connection, outcomes) == {first.job_id, second.job_id}
    assert [rows.job(c.job_id).result for c in (first, second, lost)] == [[1], None, None]
    assert [rows.job(c.job_id).status for c in (first, second, lost)] == ["SUCCESSFUL", "SUCCESSFUL", "READY"]


def test_what_was_settled_before_counts_as_ours_and_stays_as_it_was():
    """If the connection breaks after COMMIT and before the answer, the batch is said again."""
    claim, other = rows.claimed(), rows.claimed()
    assert lifecycle.settle(connection, [(claim.fence, "1")]) == {claim.job_id}
    before = rows.everything(claim.job_id)
    assert lifecycle.settle(connection, [(claim.fence, "1"), (other.fence, "2")]) == {claim.job_id, other.job_id}
    assert rows.everything(claim.job_id) == before


def test_an_empty_batch_asks_nobody(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert lifecycle.settle(connection, []) == set()


def test_jobs_of_one_claim_and_one_result_are_settled_together(django_assert_max_num_queries):
    for _ in range(20):
        rows.enqueue()
    claims = rows.claim(limit=20)
    with django_assert_max_num_queries(3):  # One, and two for a savepoint where there is one.
        assert len(lifecycle.settle(connection, [(claim.fence, "true") for claim in claims])) == 20
