"""enqueue_many() with keys, delays, priorities and queues for each call: few statements, and as one by one."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.tasks import TaskResult
from django.tasks.exceptions import InvalidTask
from django.tasks.signals import task_enqueued
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.errors import ArgumentsTooLarge, IdempotencyConflict, InvalidIdempotencyKey
from jobqueue.models import Job, LedgerEntry
from tests import rows
from tests.app.tasks import echo

pytestmark = pytest.mark.django_db
DUE = datetime(2031, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)


def under(key: str, value: Any = 1, **values: Any) -> Any:
    """Return a call under a key."""
    return (value,), {}, {"idempotency_key": key, **values}


def ids(results: list[TaskResult]) -> list[str]:
    return [result.id for result in results]


@pytest.fixture
def told() -> Generator[list[TaskResult]]:
    heard: list[TaskResult] = []

    def receive(task_result: TaskResult, **_: Any) -> None:
        heard.append(task_result)

    task_enqueued.connect(receive)
    yield heard
    task_enqueued.disconnect(receive)


def test_each_has_its_own() -> None:
    calls: list[Any] = [
        ((1,), {}, {"priority": 7, "queue_name": "mail", "run_after": DUE, "idempotency_key": 'ü"\\'}),
        (("🦉%s",), {"key": [None, {"a": 1}]}, {}),
        ((3,), {}),
        ((4,), {}, {"run_after": DUE.astimezone(timezone.get_fixed_timezone(-330))}),
    ]
    results = echo.using(priority=3).enqueue_many(calls)
    jobs = [rows.job(result.id) for result in results]
    assert [job.arguments["args"] for job in jobs] == [[1], ["🦉%s"], [3], [4]]
    assert jobs[1].arguments["kwargs"] == {"key": [None, {"a": 1}]}
    assert [job.priority for job in jobs] == [result.task.priority for result in results] == [7, 3, 3, 3]
    assert [job.queue for job in jobs] == ["mail", "default", "default", "default"]
    assert [job.idempotency_key for job in jobs] == ['ü"\\', None, None, None]
    assert [job.due_at == DUE for job in jobs] == [True, False, False, True]
    assert jobs[1].due_at == jobs[1].enqueued_at
    assert ids(results) == sorted(ids(results))
    assert {(job.status, job.outcome, job.attempt, job.unique_key) for job in jobs} == {("READY", "", 0, None)}


def test_a_key_that_was_used_before_answers_with_its_job(told: list[TaskResult]) -> None:
    first = echo.using(idempotency_key="b").enqueue(1)
    results = echo.enqueue_many([under("c"), under("b"), ((1,), {}), under("a")])
    assert results[1].id == first.id
    assert [getattr(result, "enqueued_before", None) for result in results] == [False, True, False, False]
    assert told == [first, results[0], results[2], results[3]]
    assert Job.objects.count() == 4
    assert ids(echo.enqueue_many([under("a"), under("b"), under("c")])) == [results[3].id, first.id, results[0].id]
    assert echo.using(idempotency_key="a").enqueue(1).id == results[3].id
    assert Job.objects.count() == 4


def test_a_key_twice_is_one_job_and_two_answers() -> None:
    first, second, third = echo.enqueue_many([under("a"), under("b"), under("a")])
    assert first.id == third.id != second.id
    assert Job.objects.count() == 2


def test_a_key_is_answered_with_the_result_of_a_job_that_is_gone() -> None:
    claim = rows.claimed(idempotency_key="k")
    lifecycle.succeed(connection, claim.fence, '"done"')
    assert lifecycle.prune("default", older_than=timedelta(0)) == 1
    (found,) = echo.enqueue_many([((), {}, {"idempotency_key": "k"})])
    assert (found.id, found.return_value) == (str(claim.job_id), "done")


def test_other_arguments_are_an_error_that_names_the_call_and_enqueues_nothing() -> None:
    first = echo.using(idempotency_key="b").enqueue(1)
    with pytest.raises(IdempotencyConflict, match=rf"'b' of calls\[2\] of .*echo .* {first.id}.* Nothing was enqueued"):
        echo.enqueue_many([under("a"), under("c"), under("b", 2)])
    with pytest.raises(IdempotencyConflict, match=r"'a' of calls\[1\] .* in a call before it"):
        echo.enqueue_many([under("a", 1), under("a", 2)])
    assert Job.objects.count() == LedgerEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"idempotency_key": ""}, InvalidIdempotencyKey),
        ({"key_ttl": 5}, InvalidTask),
        ({"priority": 1000}, InvalidTask),
        ({"run_after": 5}, InvalidTask),
        ({"backend": "other"}, InvalidTask),
        ({"timeout": 5}, TypeError),
    ],
)
def test_a_bad_value_names_its_call_and_enqueues_nothing(values: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        echo.enqueue_many([under("a"), ((1,), {}, values)])
    assert caught.value.__notes__ == ["This is about calls[1]. Nothing was enqueued."]
    assert not Job.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_of_one_that_is_too_large_none_is_enqueued() -> None:
    with pytest.raises(ArgumentsTooLarge):
        echo.enqueue_many([under("a"), under("b", "x" * 300_000)])
    assert not LedgerEntry.objects.exists()


def test_they_exist_only_if_the_transaction_commits() -> None:
    with transaction.atomic():
        echo.enqueue_many([under("a"), under("b")])
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_many_are_few_statements() -> None:
    def statements(number: int) -> int:
        calls = [under(f"{number}-{n}", n, priority=n % 3) for n in range(number)]
        calls += [under(f"before-{n}", n) for n in range(number)]
        with CaptureQueriesContext(connection) as captured:
            echo.enqueue_many(calls)
        return len(captured.captured_queries)

    echo.enqueue_many([under(f"before-{n}", n) for n in range(200)])
    assert statements(2) == statements(200) <= 10


def test_lots_that_a_statement_takes_are_put_together_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobqueue.ledger._LOT", 3)
    monkeypatch.setattr("jobqueue.results._LOT", 3)
    half = echo.enqueue_many([under(str(n), n) for n in range(0, 20, 2)])
    whole = echo.enqueue_many([under(str(n), n) for n in range(20)])
    assert ids(whole)[::2] == ids(half)
    assert Job.objects.count() == LedgerEntry.objects.count() == 20


# -- keys that are lent for a time -----------------------------------------------------------------


def its_time_is_over() -> None:
    LedgerEntry.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def test_each_key_is_lent_for_its_own_time() -> None:
    echo.enqueue_many([under("a", key_ttl=60), under("b", key_ttl=timedelta(hours=1)), under("c")])
    lent = {entry.key: entry.expires_at and entry.expires_at - entry.created_at for entry in LedgerEntry.objects.all()}
    assert lent["a"] == pytest.approx(timedelta(seconds=60), abs=timedelta(seconds=1))
    assert lent["b"] == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=1))
    assert lent["c"] is None


def test_keys_whose_time_is_over_may_be_used_for_another_call_but_not_while_their_job_lives() -> None:
    results = echo.enqueue_many([under(key, key_ttl=60) for key in "abc"])
    lifecycle.cancel(rows.job(results[0].id).pk)
    lifecycle.cancel(rows.job(results[2].id).pk)
    its_time_is_over()
    LedgerEntry.objects.filter(key="c").update(expires_at=DUE)
    again = echo.enqueue_many([under("c", key_ttl=60), under("b", key_ttl=60), under("a", 2, key_ttl=60)])
    assert ids(again)[:2] == [results[2].id, results[1].id]
    assert again[2].id != results[0].id
    entry = LedgerEntry.objects.get(key="a")
    assert (str(entry.job_id), entry.value) == (again[2].id, None)
    assert entry.expires_at
    assert entry.expires_at > timezone.now()
    assert LedgerEntry.objects.count() == 3
