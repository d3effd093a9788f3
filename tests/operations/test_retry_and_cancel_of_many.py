"""Operators act on one job or on all that match: each is a transaction of its own, and what cannot be done is said."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from jobqueue import lifecycle, operations, results
from jobqueue.backend import JobQueueBackend
from jobqueue.errors import WrongState
from jobqueue.models import Attempt, Job
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hints(monkeypatch):
    """Give the queues for which workers are woken."""
    queues = []
    monkeypatch.setattr(JobQueueBackend, "wake", lambda _, names: queues.extend(names))
    return queues


def failed(number=1):
    claims = [rows.claimed() for _ in range(number)]
    for claim in claims:
        lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    return [claim.job_id for claim in claims]


def statuses():
    return sorted(Job.objects.values_list("status", flat=True))


def test_all_that_match_are_retried(monkeypatch):
    monkeypatch.setattr(operations, "_LOT", 2)
    failed(5)
    waiting = rows.enqueue()
    report = operations.retry(Job.objects.failed())
    assert (report.done, report.skipped) == (5, [])
    assert statuses() == ["READY"] * 6
    assert Job.objects.get(pk=waiting).attempt == 0


def test_those_that_cannot_be_are_said_and_keep_no_other_from_it():
    first, second = failed(2)
    rows.enqueue()
    report = operations.retry(Job.objects.all())
    assert report.done == 2
    assert [reason.split(" is not FAILED")[0] for reason in report.skipped] == [
        f"Job {Job.objects.exclude(pk__in=[first, second]).get().pk}"
    ]


def test_what_fails_again_meanwhile_is_not_gone_through_twice(monkeypatch):
    """A job that is retried and fails at once matches again: there would be no end."""
    monkeypatch.setattr(operations, "_LOT", 1)
    failed(2)
    real, done = lifecycle.retry, []

    def retry_and_fail(job_id, **at):
        done.append(job_id)
        real(job_id, **at)
        Job.objects.filter(pk=job_id).update(status="FAILED")

    monkeypatch.setattr(lifecycle, "retry", retry_and_fail)
    assert operations.retry(Job.objects.failed()).done == 2
    assert len(set(done)) == len(done) == 2


def test_an_error_of_the_database_is_a_reason_like_another(monkeypatch):
    job_id, other = failed(2)
    real, real_many = lifecycle.retry, lifecycle.retry_many

    def refuse_one(it, **at):
        if it == job_id:
            raise DatabaseError("no room")
        real(it, **at)

    def refuse_many(ids, **at):
        real_many(ids, **at)
        raise DatabaseError("no room")

    monkeypatch.setattr(lifecycle, "retry", refuse_one)
    monkeypatch.setattr(lifecycle, "retry_many", refuse_many)
    report = operations.retry(Job.objects.failed())
    assert (report.done, report.skipped) == (1, [f"Job {job_id}: the database refused it: no room"])
    assert rows.job(other).status == "READY"


def test_waiting_and_running_jobs_are_cancelled():
    claim = rows.claimed()
    rows.enqueue()
    report = operations.cancel(Job.objects.all(), by="Ann")
    assert (report.done, report.skipped, statuses()) == (2, [], ["FAILED", "FAILED"])
    assert "Cancelled by Ann" in Attempt.objects.get(job_id=claim.job_id).traceback
    assert not lifecycle.succeed(connection, claim.fence, None)


def test_what_waits_for_a_cancelled_job_is_counted_and_a_worker_is_woken(hints):
    first = rows.enqueue()
    goes_on = rows.enqueue(after=[first], on_failure="run", queue_name="mail")
    ends = [rows.enqueue(after=[first], on_failure=how) for how in ("cancel", "fail")]
    ends.append(rows.enqueue(after=ends[:1]))
    hints.clear()
    report = operations.cancel(Job.objects.filter(pk=first))
    assert (report.done, report.let_go, report.ended) == (1, 1, 3)
    assert [rows.job(it).outcome for it in ends] == ["cancelled", "dependency", "cancelled"]
    assert [str(claim.job_id) for claim in rows.claim(queue="mail")] == [str(goes_on)]
    assert hints == ["mail"]


def test_all_of_a_chain_are_cancelled_and_none_is_let_go(monkeypatch):
    monkeypatch.setattr(operations, "_LOT", 2)
    last = rows.enqueue()
    for how in ("cancel", "run", "fail", "run"):
        last = rows.enqueue(after=[last], on_failure=how)
    report = operations.cancel(Job.objects.all())
    assert (report.done, report.skipped, report.let_go, report.ended) == (5, [], 0, 0)
    assert set(Job.objects.values_list("outcome", flat=True)) == {"cancelled"}


def test_in_a_transaction_of_the_caller_what_waits_is_judged_and_counted_once_that_commits():
    first = rows.enqueue()
    rows.enqueue(after=[first], on_failure="run")
    with transaction.atomic():
        report = operations.cancel(Job.objects.filter(pk=first))
        assert (report.done, report.let_go) == (1, 0)
    assert report.let_go == 1


def test_a_result_that_is_cancelled_lets_go_what_waits_for_its_end_alone(hints):
    first = tasks.echo.enqueue(1)
    goes_on = rows.enqueue(after=[first.id], on_failure="run", queue_name="mail")
    hints.clear()
    first.cancel()
    assert [claim.job_id for claim in rows.claim(queue="mail")] == [goes_on]
    assert hints == ["mail"]


def test_a_result_can_be_cancelled_and_retried():
    result = tasks.echo.enqueue(1)
    result.cancel()
    result.refresh()
    assert (result.status, Job.objects.get().outcome) == ("FAILED", "cancelled")
    with pytest.raises(WrongState, match="cannot be cancelled"):
        result.cancel()
    result.retry()
    assert Job.objects.get().status == "READY"
    with pytest.raises(WrongState, match="is not FAILED"):
        result.retry()


def test_also_one_that_was_looked_up_and_in_a_coroutine():
    result = results.get(tasks.echo.enqueue(1).id)

    async def body():
        await result.acancel()
        await result.aretry()

    async_to_sync(body)()
    assert Job.objects.get().status == "READY"


def test_those_that_are_run_now_wake_a_worker(hints):
    later = timezone.now() + timedelta(hours=1)
    for queue in ("default", "mail"):
        rows.enqueue(run_after=later, queue_name=queue)
    running = rows.claimed()
    hints.clear()
    report = operations.run_now(Job.objects.all())
    assert (report.done, report.passed_over) == (2, 1)
    assert str(running.job_id) in report.skipped[0]
    assert sorted(hints) == ["default", "mail"]
