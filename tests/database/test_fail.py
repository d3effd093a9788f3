"""fail, crash: an attempt ended badly. What it costs, what is on record, when the next may start. L3."""

from datetime import timedelta

import pytest

from jobqueue import lifecycle
from jobqueue.lifecycle import Failure, Renewal
from jobqueue.models import Attempt, Outcome
from tests import rows

pytestmark = pytest.mark.django_db


def test_a_failure_for_good_ends_the_job():
    claim = rows.claimed()
    assert lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD) == "FAILED"
    job = rows.job(claim.job_id)
    assert (job.status, job.outcome, job.token, job.failures, job.crashes) == ("FAILED", "raised", None, 1, 0)
    assert job.finished_at >= job.started_at


def test_a_failure_for_now_lets_it_wait_for_its_delay():
    claim = rows.claimed()
    assert lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW._replace(retry_in=60.0)) == "READY"
    job = rows.job(claim.job_id)
    assert (job.status, job.outcome, job.token, job.failures, job.finished_at) == ("READY", "raised", None, 1, None)
    assert job.due_at - job.started_at == pytest.approx(timedelta(seconds=60), abs=timedelta(seconds=5))
    assert rows.claim() == []


def test_a_crash_is_counted_apart_from_failures():
    claim = rows.claimed()
    assert lifecycle.crash(claim.fence, rows.CRASHED_FOR_NOW) == "READY"
    job = rows.job(claim.job_id)
    assert (job.status, job.outcome, job.failures, job.crashes) == ("READY", "crashed", 0, 1)
    (claim,) = rows.claim()
    assert lifecycle.crash(claim.fence, rows.CRASHED_FOR_NOW._replace(retry_in=None)) == "FAILED"
    assert rows.job(claim.job_id).crashes == 2


def test_every_attempt_that_ends_badly_is_on_record():
    claim = rows.claimed("w-7")
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    attempt = Attempt.objects.get()
    assert (attempt.job_id, attempt.number, attempt.token) == claim.fence
    assert (attempt.worker_id, attempt.outcome) == ("w-7", "raised")
    assert (attempt.exception_class, attempt.traceback) == ("builtins.ValueError", "ValueError: no")
    assert attempt.started_at == claim.started_at <= attempt.ended_at

    (claim,) = rows.claim("w-8")
    lifecycle.crash(claim.fence, rows.CRASHED_FOR_NOW)
    assert list(Attempt.objects.values_list("number", "worker_id", "outcome")) == [
        (1, "w-7", "raised"),
        (2, "w-8", "crashed"),
    ]


def test_an_attempt_on_record_is_ended_and_keeps_its_renewals():
    claim = rows.claimed()
    lifecycle.record_renewals("w-1", [Renewal(claim.fence, 4, 77, {"done": 1})])
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    attempt = Attempt.objects.get()
    assert (attempt.renewals, attempt.pid, attempt.progress, attempt.outcome) == (4, 77, {"done": 1}, "raised")


@pytest.mark.parametrize("delay", [1e18, float("inf"), -5.0, float("nan")])
def test_no_delay_keeps_a_failure_from_being_written_down(delay):
    claim = rows.claimed()
    assert lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW._replace(retry_in=delay)) == "READY"
    assert rows.job(claim.job_id).due_at >= claim.started_at


def test_no_text_keeps_a_failure_from_being_written_down():
    claim = rows.claimed()
    text = "NUL \0, half a pair \ud83d, an owl 🦉, and much of it" + "x" * 100_000
    lifecycle.fail(claim.fence, Failure(Outcome.RAISED, "a." * 200, text, None))
    attempt = Attempt.objects.get()
    assert attempt.traceback.startswith("NUL \N{REPLACEMENT CHARACTER}, half a pair ?, an owl 🦉")
    assert len(attempt.exception_class) == 255


@pytest.mark.parametrize("said", ["fail", "crash"])
@pytest.mark.parametrize("retry_in", [None, 0.0])
def test_an_end_said_again_is_answered_as_the_first_time_and_counts_once(said, retry_in):
    """If the connection breaks after COMMIT and before the answer, the end is said again."""
    claim, verb = rows.claimed(), getattr(lifecycle, said)
    failure = rows.FAILED_FOR_GOOD._replace(retry_in=retry_in)
    first = verb(claim.fence, failure)
    before = rows.everything(claim.job_id)

    assert verb(claim.fence, failure) == first
    assert rows.everything(claim.job_id) == before
    assert Attempt.objects.count() == 1


def test_an_end_said_again_does_not_disturb_the_next_owner():
    claim = rows.claimed()
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    rows.claim("w-2")
    before = rows.everything(claim.job_id)
    assert lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW) == "READY"
    assert rows.everything(claim.job_id) == before
