"""retry_many and cancel_many do to each job of a lot what retry and cancel do to one, with a few statements for all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobqueue import lifecycle, operations
from jobqueue.calls import new_call
from jobqueue.lifecycle import Created
from jobqueue.models import Attempt, Job
from tests import rows
from tests.app import limited_tasks, unique_tasks

pytestmark = pytest.mark.django_db(transaction=True)


def failed() -> UUID:
    claim = rows.claimed()
    lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    return claim.job_id


def unique(task: Any, value: Any = None) -> UUID:
    call = new_call(task, [value], {}, limit=1000)
    created = lifecycle.create(task, call.text, unique_key=call.unique_key)
    assert isinstance(created, Created)
    return created.job_id


def failed_unique(task: Any, value: Any = None) -> UUID:
    job_id = unique(task, value)
    (claim,) = rows.claim(paths=[task.module_path])
    lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    return job_id


def limited() -> UUID:
    call = new_call(limited_tasks.alone, [], {}, limit=1000)
    created = lifecycle.create(limited_tasks.alone, call.text, limit_key=call.limit_key)
    assert isinstance(created, Created)
    return created.job_id


def cancelled(job_id: UUID) -> UUID:
    lifecycle.cancel(job_id)
    return job_id


def cancelled_in_its_body() -> UUID:
    rows.worker("w-1", lease=3600)
    return cancelled(rows.claimed().job_id)


def for_a_commit() -> UUID:
    job_id = rows.enqueue()
    Job.objects.filter(pk=job_id).update(gate="commit")
    return cancelled(job_id)


def behind_another() -> UUID:
    return cancelled(rows.enqueue(after=[rows.enqueue()]))


KINDS = {
    "plain": failed,
    "cancelled": lambda: cancelled(rows.enqueue()),
    "limited": lambda: cancelled(limited()),
    "for a commit": for_a_commit,
    "behind another": behind_another,
    "cancelled in its body": cancelled_in_its_body,
    "unique while it waits": lambda: cancelled(unique(unique_tasks.refresh)),
    "unique until its end": lambda: failed_unique(unique_tasks.sync),
}
VARYING = ("id", "unique_key", "due_at", "enqueued_at")


def state(job_id: UUID) -> dict[str, Any]:
    job = rows.job(job_id)
    row = rows.everything(job_id)
    assert row is not None
    apart = {name: value for name, value in row.items() if name not in VARYING and not name.endswith("_at")}
    late = (job.due_at - job.enqueued_at).total_seconds() > 60
    return {**apart, "held": job.holds_its_key, "later": late, "finished": job.finished_at is not None}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_job_of_a_lot_is_retried_as_one_alone(kind: Any) -> None:
    others = [failed(), failed()]
    job_id = kind()
    before = rows.everything(job_id)
    assert before is not None
    lifecycle.retry(job_id)
    alone = state(job_id)
    Job.objects.filter(pk=job_id).update(**before)
    report = operations.retry(Job.objects.filter(pk__in=[job_id, *others]))
    assert (report.done, report.skipped) == (3, [])
    assert state(job_id) == alone
    assert {rows.job(other).status for other in others} == {"READY"}


def test_many_are_retried_and_cancelled_with_few_statements() -> None:
    ids = [failed() for _ in range(10)] + [rows.enqueue() for _ in range(150)]
    with CaptureQueriesContext(connection) as cancelling:
        assert operations.cancel(Job.objects.ready()).done == 150
    with CaptureQueriesContext(connection) as retrying:
        assert operations.retry(Job.objects.failed()).done == 160
    assert Job.objects.ready().filter(pk__in=ids).count() == 160
    assert max(len(cancelling), len(retrying)) < 40


def test_unique_jobs_are_retried_with_few_statements_too() -> None:
    for number in range(50):
        cancelled(unique(unique_tasks.sync, number))
    with CaptureQueriesContext(connection) as retrying:
        assert operations.retry(Job.objects.failed()).done == 50
    assert len(retrying) < 20
    assert Job.objects.holding().count() == Job.objects.count()


def test_those_whose_key_another_holds_are_refused_and_it_is_said_whose_it_is() -> None:
    job_id, plain = failed_unique(unique_tasks.sync), failed()
    holder = unique(unique_tasks.sync)
    came = lifecycle.retry_many([job_id, plain])
    assert came.done == {plain}
    assert f"cannot be retried while job {holder} is there" in came.refused[job_id]
    assert 'its task was unique="active"' in came.refused[job_id]
    assert rows.job(job_id).status == "FAILED"


def test_of_two_with_the_same_key_the_first_is_retried() -> None:
    first, second = (failed_unique(unique_tasks.sync) for _ in range(2))
    came = lifecycle.retry_many([first, second])
    assert came.done == {first}
    assert f"while job {first} is there" in came.refused[second]


def test_what_is_in_another_state_is_refused_with_the_same_words() -> None:
    ended, other = failed(), failed()
    waiting = rows.enqueue()
    assert lifecycle.retry_many([waiting, ended]).refused == {
        waiting: f"Job {waiting} is not FAILED, so it cannot be retried."
    }
    assert lifecycle.cancel_many([waiting, other]).refused == {
        other: f"Job {other} is FAILED already and cannot be cancelled."
    }
    assert rows.job(waiting).outcome == "cancelled"


def test_a_lot_of_jobs_that_run_is_cancelled_one_by_one() -> None:
    claims = [rows.claimed() for _ in range(3)]
    assert lifecycle.cancel_many([claim.job_id for claim in claims]) == lifecycle.Many(frozenset(), {})
    assert operations.cancel(Job.objects.all(), by="Ann").done == 3
    assert Attempt.objects.filter(traceback="Cancelled by Ann while it was running.").count() == 3
    assert not any(lifecycle.succeed(connection, claim.fence, None) for claim in claims)


def test_what_waits_for_cancelled_jobs_ends_with_them() -> None:
    earlier = [rows.enqueue() for _ in range(3)]
    later = [rows.enqueue(after=[one]) for one in earlier for _ in range(2)]
    assert operations.cancel(Job.objects.filter(pk__in=earlier)).done == 3
    assert {rows.job(job_id).status for job_id in later} == {"FAILED"}


def test_jobs_behind_others_are_judged_anew_when_a_lot_is_retried() -> None:
    earlier = rows.enqueue()
    later = [rows.enqueue(after=[earlier]) for _ in range(3)]
    lifecycle.cancel_many(later)
    (claim,) = rows.claim()
    lifecycle.succeed(connection, claim.fence, None)
    assert operations.retry(Job.objects.failed()).done == 3
    assert {rows.job(job_id).gate for job_id in later} == {""}
