"""enqueue() and enqueue_many() of a unique task, as whoever calls them sees it."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from django.db import connection, transaction
from django.tasks import task
from django.tasks.exceptions import InvalidTask
from django.tasks.signals import task_enqueued
from django.test.utils import CaptureQueriesContext

from jobqueue.errors import InvalidUniqueKey
from jobqueue.models import Job
from tests import rows
from tests.app.tasks import echo
from tests.app.unique_tasks import refresh, sync, sync_account

pytestmark = pytest.mark.django_db
TASKS = pytest.mark.parametrize("unique", [refresh, sync])


@TASKS
def test_the_second_is_told_of_the_first(unique: Any) -> None:
    heard: list[Any] = []

    def receive(task_result: Any, **_: Any) -> None:
        heard.append(task_result.id)

    task_enqueued.connect(receive)
    try:
        first, second = unique.enqueue(1), unique.enqueue(1)
    finally:
        task_enqueued.disconnect(receive)
    assert (first.id, first.enqueued_before) == (second.id, False)
    assert second.enqueued_before
    assert heard == [first.id]
    assert (second.status, second.args) == ("READY", [1])


@TASKS
def test_of_many_each_is_told_of_the_job_for_its_call(unique: Any) -> None:
    there = unique.enqueue(2)
    results = unique.using(priority=5).enqueue_many([((n % 3,), {}) for n in range(6)])
    assert [result.id for result in results[:3]] == [result.id for result in results[3:]]
    assert results[2].id == there.id
    assert [result.args for result in results] == [[0], [1], [2]] * 2
    assert [result.enqueued_before for result in results] == [False, False, True, True, True, True]
    assert Job.objects.count() == 3
    assert rows.job(results[0].id).unique_while == unique.unique
    assert Job.objects.holding().count() == Job.objects.count()


def test_the_first_of_many_with_a_key_is_the_one_that_is_made() -> None:
    results = sync_account.enqueue_many([(("a",), {"note": "one"}), (("b",), {}), (("a",), {"note": "two"})])
    assert results[0].id == results[2].id
    assert rows.job(results[0].id).arguments["kwargs"] == {"note": "one"}


@TASKS
def test_many_are_few_statements_and_none_when_they_are_undone(unique: Any) -> None:
    def statements(number: int) -> int:
        with CaptureQueriesContext(connection) as captured, transaction.atomic():
            unique.enqueue_many([((n,), {}, {"priority": n % 3}) for n in range(number)])
            transaction.set_rollback(True)
        return len(captured.captured_queries)

    unique.enqueue(1)
    assert statements(2) == statements(300) <= 18
    assert Job.objects.count() == 1


def test_none_are_none() -> None:
    assert sync.enqueue_many([]) == []


def test_a_key_has_to_be_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidUniqueKey, match=r"sync_account has to return a text, not int\. Nothing was enqueued"):
        sync_account.enqueue(5)
    with pytest.raises(InvalidUniqueKey) as caught:
        sync_account.enqueue_many([(("a",), {}), ((5,), {})])
    assert caught.value.__notes__ == ["This is about calls[1]. Nothing was enqueued."]
    assert not Job.objects.exists()


@pytest.mark.parametrize("key", ["", "\0", "\ud800", "x" * 10_000])
def test_a_key_may_be_any_text(key: str) -> None:
    keyed = task(unique="active", unique_key=lambda _: key)(echo.func)
    assert keyed.enqueue(1).id == keyed.enqueue(2).id


def test_a_function_that_fails_enqueues_nothing() -> None:
    keyed = task(unique="active", unique_key=lambda order: order["id"])(echo.func)
    with pytest.raises(InvalidUniqueKey, match="TypeError was raised by it"):
        keyed.enqueue(None)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"unique": "wating"}, r"unique='wating' is unknown\. Did you mean 'waiting'"),
        ({"unique": True}, "unique=True is unknown"),
        ({"unique_key": str}, 'give unique="waiting" or "active" with it'),
        ({"unique": "active", "unique_key": "account"}, "unique_key must be callable"),
        ({"unique": "active", "idempotency_key": "k"}, "Choose one of them"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidTask, match=told):
        task(**options)(echo.func)


def test_a_unique_task_takes_no_idempotency_key() -> None:
    with pytest.raises(InvalidTask, match="Choose one of them"):
        sync.using(idempotency_key="k")
    with pytest.raises(InvalidTask, match="Choose one of them"):
        sync.enqueue_many([((1,), {}, {"idempotency_key": "k"})])


def test_a_task_with_a_function_of_its_own_travels() -> None:
    assert pickle.loads(pickle.dumps(sync_account)).unique_key is sync_account.unique_key
