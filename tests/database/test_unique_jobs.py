"""A unique key is held by one job, from its enqueue until it begins or ends, whichever verb begins or ends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from jobqueue import lifecycle
from jobqueue.calls import new_call
from jobqueue.errors import WrongState
from jobqueue.lifecycle import Claim, Created, Orphan
from jobqueue.models import Job
from tests import rows
from tests.app.tasks import echo
from tests.app.unique_tasks import refresh, sync, sync_account

pytestmark = pytest.mark.django_db


def enqueue(task: Any, *args: Any, **kwargs: Any) -> UUID:
    """Enqueue a call, and return the id of its job, be it new or not."""
    call = new_call(task, args, kwargs, limit=1000)
    created = lifecycle.create(task, call.text, unique_key=call.unique_key)
    return created.job_id if isinstance(created, Created) else created


def claim(task: Any) -> Claim:
    (claim,) = rows.claim(paths=[task.module_path])
    return claim


def is_held(job_id: UUID) -> bool:
    holds = Job.objects.holding().filter(pk=job_id).exists()
    assert rows.job(job_id).holds_its_key == holds
    return holds


@pytest.mark.parametrize("task", [refresh, sync])
def test_while_one_waits_another_is_not_made(task: Any) -> None:
    first = enqueue(task, 1)
    assert enqueue(task, 1) == enqueue(task.using(priority=7, queue_name="mail"), 1) == first
    assert Job.objects.get().priority == 0


@pytest.mark.parametrize("task", [refresh, sync])
def test_another_call_is_another_job(task: Any) -> None:
    assert len({enqueue(task, 1), enqueue(task, 2), enqueue(task, value=1), enqueue(sync_account, "1")}) == 4
    assert enqueue(task, 1) != enqueue(refresh if task is sync else sync, 1)


def test_a_function_says_which_calls_are_the_same() -> None:
    first = enqueue(sync_account, "a", note="one")
    assert enqueue(sync_account, "a", note="two") == enqueue(sync_account, account="a") == first
    assert enqueue(sync_account, "A") != first
    assert rows.job(first).arguments == {"args": ["a"], "kwargs": {"note": "one"}}


def test_one_that_waits_lets_go_when_it_is_claimed_and_never_holds_again() -> None:
    first = enqueue(refresh)
    fence = claim(refresh).fence
    assert not is_held(first)
    second = enqueue(refresh)
    assert second != first
    lifecycle.fail(fence, rows.FAILED_FOR_NOW)
    assert not is_held(first)
    assert enqueue(refresh) == second


GOES_ON: dict[str, Callable[[Claim], object]] = {
    "it runs": lambda _: True,
    "it does a step": lambda claim: lifecycle.hold(connection, claim.fence, steps=0),
    "it is handed back unbegun": lambda claim: lifecycle.release([claim.fence], started=False),
    "it is handed back": lambda claim: lifecycle.release([claim.fence], started=True),
    "it is attempted again": lambda claim: lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW),
    "its process dies": lambda claim: lifecycle.crash(claim.fence, rows.CRASHED_FOR_NOW),
    "it is rescued": lambda claim: lifecycle.rescue(Orphan(claim.fence, "w-1", 0), max_crashes=3),
}
ENDS: dict[str, Callable[[Claim], object]] = {
    "it succeeds": lambda claim: lifecycle.succeed(connection, claim.fence, None),
    "it is settled": lambda claim: lifecycle.settle(connection, [(claim.fence, "1")]),
    "it is settled if it is free": lambda claim: lifecycle.settle_free(connection, [(claim.fence, "1")])[0],
    "it fails for good": lambda claim: lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD),
    "its process dies once too often": lambda claim: lifecycle.crash(claim.fence, rows.FAILED_FOR_GOOD),
    "it is lost once too often": lambda claim: lifecycle.rescue(Orphan(claim.fence, "w-1", 2), max_crashes=3),
    "it is cancelled": lambda claim: lifecycle.cancel(claim.job_id),
}


@pytest.mark.parametrize("verb", GOES_ON.values(), ids=GOES_ON)
def test_one_that_is_active_holds_while(verb: Callable[[Claim], object]) -> None:
    first = enqueue(sync)
    assert verb(claim(sync))
    assert enqueue(sync) == first
    assert Job.objects.count() == 1


@pytest.mark.parametrize("verb", ENDS.values(), ids=ENDS)
def test_one_that_is_active_lets_go_when(verb: Callable[[Claim], object]) -> None:
    first = enqueue(sync)
    assert verb(claim(sync))
    assert not is_held(first)
    assert enqueue(sync) != first


@pytest.mark.parametrize("task", [refresh, sync])
def test_one_that_is_cancelled_before_it_begins_lets_go(task: Any) -> None:
    first = enqueue(task)
    lifecycle.cancel(first)
    assert enqueue(task) != first


@pytest.mark.parametrize("task", [refresh, sync])
def test_an_enqueue_that_is_undone_leaves_the_key_free(task: Any) -> None:
    with transaction.atomic():
        undone = enqueue(task)
        transaction.set_rollback(True)
    assert enqueue(task) != undone
    assert Job.objects.count() == 1


def test_the_database_itself_refuses_a_second_holder() -> None:
    """Whatever verb there may be one day: no row can come to hold a key that another holds."""
    Job.objects.filter(pk=enqueue(sync)).update(status="FAILED")
    enqueue(sync)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(status="FAILED").update(status="RUNNING")


def test_a_mode_that_was_changed_counts_for_jobs_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    first = enqueue(sync)
    changed = sync.stored(unique="waiting")
    assert enqueue(changed) == first
    claim(sync)
    assert enqueue(changed) == first


# -- retry -----------------------------------------------------------------------------------------


def failed(task: Any) -> UUID:
    job_id = enqueue(task)
    lifecycle.fail(claim(task).fence, rows.FAILED_FOR_GOOD)
    return job_id


def test_a_job_that_is_retried_holds_its_key_again() -> None:
    first = failed(sync)
    lifecycle.retry(first)
    assert enqueue(sync) == first


def test_a_job_cannot_be_retried_while_another_is_there() -> None:
    first = failed(sync)
    second = enqueue(sync)
    before = rows.everything(first)
    with pytest.raises(WrongState, match=rf'{first} cannot be retried while job {second} is there .* unique="active"'):
        lifecycle.retry(first)
    assert rows.everything(first) == before
    lifecycle.cancel(second)
    lifecycle.retry(first)


def test_a_job_that_had_begun_does_not_wait_again() -> None:
    first = failed(refresh)
    second = enqueue(refresh)
    lifecycle.retry(first)
    assert not is_held(first)
    assert enqueue(refresh) == second


def test_a_job_that_was_cancelled_before_it_began_does() -> None:
    first = enqueue(refresh)
    lifecycle.cancel(first)
    second = enqueue(refresh)
    with pytest.raises(WrongState, match=f"while job {second} is there"):
        lifecycle.retry(first)
    claim(refresh)
    lifecycle.retry(first)
    assert enqueue(refresh) == first


# -- what it costs ---------------------------------------------------------------------------------


def test_others_pay_nothing() -> None:
    with CaptureQueriesContext(connection) as captured:
        enqueue(echo, 1)
    (statement,) = captured.captured_queries
    assert "unique" not in statement["sql"]


def test_where_the_database_can_an_enqueue_of_one_is_one_statement() -> None:
    with CaptureQueriesContext(connection) as captured:
        enqueue(sync, 1)
    # Else two around five: who holds it, a place in the line, who holds it now, the INSERT, who holds it at last.
    assert len(captured.captured_queries) == (7 if connection.vendor == "mysql" else 1)


def test_the_index_is_over_jobs_that_hold_a_key_where_it_can_be() -> None:
    definitions = {
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE indexname = 'jobqueue_unique'",
        "sqlite": "SELECT sql FROM sqlite_master WHERE name = 'jobqueue_unique'",
    }
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, Job._meta.db_table)
        assert (constraints["jobqueue_unique"]["columns"], constraints["jobqueue_unique"]["unique"]) == (
            ["held_key" if connection.vendor == "mysql" else "unique_key"],
            True,
        )
        if connection.vendor in definitions:
            cursor.execute(definitions[connection.vendor])
            assert "WHERE" in cursor.fetchone()[0]
