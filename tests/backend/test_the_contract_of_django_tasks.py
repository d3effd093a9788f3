"""What Django's documentation says of a task backend, through Django's own interface."""

from __future__ import annotations

import pickle
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.tasks import TaskResultStatus, task_backends
from django.tasks.exceptions import InvalidTask, TaskResultDoesNotExist, TaskResultMismatch
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.errors import UnknownTask
from jobqueue.models import Job
from tests import rows
from tests.app.tasks import add, echo

pytestmark = pytest.mark.django_db


def test_enqueue_answers_with_a_result_that_can_be_found_again() -> None:
    result = echo.enqueue({"a": [1, None]}, *[])
    assert result.status == TaskResultStatus.READY
    assert (result.args, result.kwargs) == ([{"a": [1, None]}], {})
    assert result.enqueued_at is None or abs(result.enqueued_at - timezone.now()) < timedelta(minutes=1)
    again = echo.get_result(result.id)
    assert again.id == result.id
    assert again.task.func is echo.func
    assert again.enqueued_at is not None
    assert (again.started_at, again.finished_at, again.last_attempted_at) == (None, None, None)
    assert (again.errors, again.worker_ids, again.attempts) == ([], [], 0)
    with pytest.raises(ValueError, match="not finished"):
        _ = again.return_value


def test_unknown_ids_do_not_exist() -> None:
    for result_id in ("01a20e73-8b7b-765c-912a-bb87f723aaf5", "no id", "", None, 7):
        with pytest.raises(TaskResultDoesNotExist):
            task_backends["default"].get_result(result_id)


def test_a_result_of_another_task_is_a_mismatch() -> None:
    with pytest.raises(TaskResultMismatch):
        add.get_result(echo.enqueue(1).id)


def test_the_asynchronous_twins_do_the_same() -> None:
    async def body() -> tuple[Any, Any]:
        result = await echo.aenqueue(7)
        found = await echo.aget_result(result.id)
        await found.arefresh()
        return result, found

    result, found = async_to_sync(body)()
    assert (found.id, found.args) == (result.id, [7])


def test_refresh_follows_the_row() -> None:
    result = echo.enqueue(1)
    (claim,) = rows.claim("w-1")
    result.refresh()
    assert result.status == TaskResultStatus.RUNNING
    assert result.started_at == result.last_attempted_at
    assert (result.worker_ids, result.attempts) == (["w-1"], 1)
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    (claim,) = rows.claim("w-2")
    lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    assert result.worker_ids == ["w-1", "w-2"]
    assert [error.exception_class for error in result.errors] == [ValueError, ValueError]
    assert result.is_finished
    assert result.finished_at is not None


def test_a_value_comes_back() -> None:
    from django.db import connection

    result = echo.enqueue(1)
    (claim,) = rows.claim("w-1")
    assert lifecycle.settle(connection, [(claim.fence, '{"x":[1,2.5,"é"]}')])
    result.refresh()
    assert result.return_value == {"x": [1, 2.5, "é"]}
    assert result.attempts == 1


def test_a_hand_back_is_no_attempt() -> None:
    result = echo.enqueue(1)
    (claim,) = rows.claim("w-1")
    lifecycle.release([claim.fence], started=True)
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.READY, 0)


def test_run_after_delays_and_is_told() -> None:
    later = timezone.now() + timedelta(hours=1)
    result = echo.using(run_after=later).enqueue(1)
    assert rows.claim("w-1") == []
    assert abs(echo.get_result(result.id).task.run_after - later) < timedelta(milliseconds=1)


@pytest.mark.parametrize("moment", [datetime(2030, 1, 1), date(2030, 1, 1), timedelta(hours=1), 60, "tomorrow"])
def test_only_aware_times_are_taken(moment: Any) -> None:
    with pytest.raises(InvalidTask, match="run_after must be an aware datetime"):
        echo.using(run_after=moment)
    assert not Job.objects.exists()


@pytest.mark.parametrize("priority", [-101, 101, 1.5])
def test_priorities_have_bounds(priority: float) -> None:
    with pytest.raises(InvalidTask):
        echo.using(priority=priority)


@pytest.mark.parametrize("priority", [-100, 0, 100])
def test_priorities_within_the_bounds_are_kept(priority: int) -> None:
    assert echo.get_result(echo.using(priority=priority).enqueue(1).id).task.priority == priority


def test_only_configured_queues_are_taken() -> None:
    with pytest.raises(InvalidTask, match="nowhere"):
        echo.using(queue_name="nowhere")
    result = echo.using(queue_name="mail").enqueue(1)
    assert echo.get_result(result.id).task.queue_name == "mail"


def test_tasks_and_results_can_be_pickled() -> None:
    task = pickle.loads(pickle.dumps(echo.using(priority=5, idempotency_key="k")))
    assert (task.func, task.priority, task.idempotency_key) == (echo.func, 5, "k")
    result = echo.enqueue(1)
    assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.django_db(transaction=True)
def test_a_job_exists_if_and_only_if_its_transaction_commits() -> None:
    with transaction.atomic():
        undone = echo.enqueue(1)
        assert Job.objects.filter(pk=undone.id).exists()
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    with transaction.atomic():
        kept = echo.enqueue(2)
    assert list(map(str, Job.objects.values_list("id", flat=True))) == [kept.id]


def test_a_row_whose_task_is_not_registered_has_no_result_here() -> None:
    result = echo.enqueue(1)
    Job.objects.update(task_path="os.system")
    with pytest.raises(UnknownTask, match=r"os\.system"):
        task_backends["default"].get_result(result.id)


def test_many_are_enqueued_in_order_and_all_or_none() -> None:
    results = echo.enqueue_many([((n,), {}) for n in range(2500)])
    assert [result.args for result in results] == [[n] for n in range(2500)]
    assert [claim.job_id.hex for claim in rows.claim("w-1", limit=3)] == [r.id.replace("-", "") for r in results[:3]]
    assert echo.enqueue_many([]) == []
    Job.objects.all().delete()
    with pytest.raises(TypeError):
        echo.enqueue_many([((1,), {}), ((object(),), {})])
    with pytest.raises(InvalidTask, match="give each its own"):
        echo.using(idempotency_key="k").enqueue_many([((1,), {})])
    assert not Job.objects.exists()
