"""enqueue_many() takes a faster way than enqueue(), to the same place."""

from __future__ import annotations

import enum
from collections.abc import Generator
from dataclasses import fields
from typing import Any

import pytest
from django.db import connection
from django.tasks import TaskResult
from django.tasks.signals import task_enqueued
from django.test.utils import CaptureQueriesContext

from jobqueue.errors import ArgumentsTooLarge
from jobqueue.models import Job
from tests import rows
from tests.app.tasks import echo

pytestmark = pytest.mark.django_db


class Colour(enum.StrEnum):
    RED = "red"


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((1, "two", None, 3.5, True), {"key": "value"}),
    (([1, (2, {"a": (3,)})],), {"key": (4, 5)}),
    ((Colour.RED,), {"key": Colour.RED}),
]


@pytest.fixture
def told() -> Generator[list[TaskResult]]:
    heard: list[TaskResult] = []

    def receive(task_result: TaskResult, **_: Any) -> None:
        heard.append(task_result)

    task_enqueued.connect(receive)
    yield heard
    task_enqueued.disconnect(receive)


@pytest.mark.parametrize("call", CALLS)
def test_the_results_are_the_same(call: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
    args, kwargs = call
    one, [many] = echo.using(priority=3).enqueue(*args, **kwargs), echo.using(priority=3).enqueue_many([call])
    for name in {field.name for field in fields(TaskResult)} - {"id", "enqueued_at", "task"}:
        assert getattr(many, name) == getattr(one, name), name
    assert (many.task.func, many.task.priority) == (echo.func, 3)
    assert rows.job(many.id).arguments == rows.job(one.id).arguments == {"args": many.args, "kwargs": many.kwargs}


def test_a_result_shares_nothing_that_can_change() -> None:
    args: list[Any] = [[1]]
    first, second = echo.enqueue_many([(args, {"key": 1})] * 2)
    args[0].append(2)
    first.args.append(3)
    first.kwargs["key"] = 2
    first.errors.append(None)  # type: ignore[arg-type]
    first.worker_ids.append("w-1")
    assert (second.args, second.kwargs, second.errors, second.worker_ids) == ([[1]], {"key": 1}, [], [])


def test_receivers_hear_of_each_job_in_order(told: list[TaskResult]) -> None:
    results = echo.enqueue_many([((n,), {}) for n in range(5)])
    assert told == results


def test_django_logs_each_job_if_it_logs_that_much(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="django.tasks"):
        results = echo.enqueue_many([((n,), {}) for n in range(5)])
    assert [record.args[0] for record in caplog.records if isinstance(record.args, tuple)] == [r.id for r in results]


def test_its_statements_are_seen_by_whoever_watches_the_connection() -> None:
    with CaptureQueriesContext(connection) as captured:
        echo.enqueue_many([((n,), {}) for n in range(5)])
    assert [query["sql"] for query in captured.captured_queries if "INSERT INTO jobqueue_job" in query["sql"]]


def test_one_that_is_too_large_is_none_enqueued() -> None:
    with pytest.raises(ArgumentsTooLarge):
        echo.enqueue_many([((1,), {}), (("x" * 300_000,), {})])
    assert not Job.objects.exists()
