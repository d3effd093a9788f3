"""Lots of jobs that are retried while others retry the same, enqueue the same, or have them locked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection

from jobqueue import lifecycle, operations
from jobqueue.models import Job
from tests import rows
from tests.app.unique_tasks import sync
from tests.races.actors import Actor
from tests.races.test_one_unique_job_at_a_time import claim, enqueue, enqueue_many, in_threads


def failed(values: Any) -> list[UUID]:
    ids = enqueue_many(sync, values)
    while claims := rows.claim(limit=50, paths=[sync.module_path]):
        for one in claims:
            lifecycle.fail(one.fence, rows.FAILED_FOR_GOOD)
    return ids


def retry(ids: list[UUID]) -> operations.Report:
    return operations.retry(Job.objects.filter(pk__in=ids))


def test_a_retry_of_many_and_an_enqueue_do_not_both_get_the_key(anna: Actor, bert: Actor) -> None:
    first, other = failed(range(2))
    anna.begin()
    second = anna.do(enqueue, sync, 0)
    retried = bert.start(retry, [first, other])
    bert.waits(retried)
    anna.commit()
    report = retried.result(10)
    assert report.done == 1
    assert f"Job {first} cannot be retried while job {second} is there" in report.skipped[0]
    assert [rows.job(job_id).status for job_id in (first, other, second)] == ["FAILED", "READY", "READY"]


def test_they_are_retried_when_that_enqueue_is_undone(anna: Actor, bert: Actor) -> None:
    ids = failed(range(2))
    anna.begin()
    anna.do(enqueue, sync, 0)
    retried = bert.start(retry, ids)
    bert.waits(retried)
    anna.roll_back()
    assert retried.result(10).done == 2


def test_of_two_who_retry_the_same_lot_one_does(anna: Actor, bert: Actor) -> None:
    ids = failed(range(3))
    anna.begin()
    assert anna.do(lifecycle.retry_many, ids).done == set(ids)
    second = bert.start(retry, ids)
    bert.waits(second)
    anna.commit()
    report = second.result(10)
    assert (report.done, report.passed_over) == (0, 3)
    assert all("is not FAILED" in reason for reason in report.skipped)


def test_a_lot_does_not_wait_for_a_job_that_somebody_has_locked(anna: Actor, bert: Actor) -> None:
    ids = enqueue_many(sync, range(3))
    anna.begin()
    taken = anna.do(claim, sync)[0].job_id
    cancelled = bert.start(lambda: operations.cancel(Job.objects.filter(pk__in=ids)))
    if connection.vendor == "sqlite":
        bert.waits(cancelled)
        anna.commit()
        assert cancelled.result(10).done == 3
        return
    report = cancelled.result(10)
    anna.commit()
    assert report.done == 2
    assert report.skipped == [f"Job {taken} is being changed at this moment: look again."]
    assert rows.job(taken).status == "RUNNING"


def test_whoever_retries_and_enqueues_many_at_once_makes_no_two_and_no_error(transactional_db: None) -> None:
    values = list(range(40))

    def act(which: int) -> list[str]:
        if which % 2:
            enqueue_many(sync, values if which == 1 else values[::-1])
            return []
        return retry(ids).skipped

    for _ in range(5):
        Job.objects.all().delete()
        ids = failed(values)
        told = in_threads(4, act)
        assert not [reason for some in told for reason in some if "the database refused it" in reason]
        held = list(Job.objects.holding().values_list("unique_key", flat=True))
        assert len(held) == len(set(held)) == 40
