"""The page of a job that is READY always says why it does not run: what keeps it, or how it stands in its queue."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from jobqueue.admin import waiting
from jobqueue.models import Dependency, Gate, Job, Limit, Outcome, PausedQueue, TaskDefinition
from tests.admin.conftest import ago, make_definition, make_job, make_worker, page_of
from tests.app import limited_tasks, tasks

pytestmark = pytest.mark.django_db
TAGS = re.compile(r"<[^>]+>")


@pytest.fixture(autouse=True)
def _declared() -> None:
    for task in (tasks.echo, limited_tasks.alone, limited_tasks.call_hourly):
        make_definition(task.module_path)


def why(client: Client, job: Job) -> list[str]:
    """Return what the page says, without its markup."""
    found = client.get(page_of(job)).context["page"]["why"]
    return [html.unescape(TAGS.sub("", reason.text)) for reason in found]


def test_it_is_the_next_of_its_queue(admin_client: Client) -> None:
    make_worker(executors=[{"pid": 1, "job": None}, {"pid": 2, "job": str(uuid.uuid4())}], concurrency=2, seats=2)
    assert why(admin_client, make_job()) == [
        "It is due: a worker takes it in a moment. 1 of 2 seats at those that serve its queue are taken.",
        "It is the next of its queue.",
    ]


def test_all_workers_are_busy_and_others_come_before_it(admin_client: Client) -> None:
    busy = [{"pid": number, "job": str(uuid.uuid4())} for number in range(2)]
    make_worker(executors=[{"pid": 1, "jobs": [job["job"] for job in busy]}], concurrency=1, seats=2)
    make_worker("w-2", executors=busy, seats=2, queues=[])
    make_worker("w-3", seats=9, queues=["mail"])
    make_worker("w-4", seats=9, beat=1000)
    job = make_job(since=60)
    make_job(since=70)
    make_job(since=5, priority=10)
    make_job(since=5)
    make_job(since=70, queue="mail")
    make_job(since=70, priority=10, due_at=ago(-100))
    make_job("RUNNING", since=70)
    assert why(admin_client, job) == [
        "All workers are busy: 4 of 4 seats at those that serve its queue are taken.",
        "About 2 jobs of its queue come before it.",
    ]


def test_where_executors_have_seats_of_two_kinds_it_is_not_promised_one_in_a_moment(admin_client: Client) -> None:
    make_worker(executors=[{"pid": 1, "jobs": [str(uuid.uuid4()) for _ in range(4)]}], concurrency=1, seats=104)
    assert why(admin_client, make_job())[0] == (
        "It is due: a worker takes it as soon as a seat for it is free. 4 of 104 seats at those that serve its queue "
        "are taken."
    )


def test_of_very_many_before_it_no_more_are_counted(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_LOOKED_AT", 3)
    make_worker()
    for _ in range(5):
        make_job(since=70)
    assert why(admin_client, make_job())[-1] == "About 3+ jobs of its queue come before it."


@pytest.mark.parametrize(
    ("outcome", "begins"),
    [
        ("", "It is due at "),
        (Outcome.RAISED, "Its last attempt raised. The next one is due at "),
        (Outcome.TIMED_OUT, "Its last attempt took too long. The next one is due at "),
        (Outcome.RELEASED, "It was handed back. Its next attempt is due at "),
        ("eaten", "It is due at "),
    ],
)
def test_its_time_has_not_come(admin_client: Client, outcome: str, begins: str) -> None:
    make_worker()
    (reason,) = why(admin_client, make_job(due_at=ago(-570), outcome=outcome))
    assert reason.startswith(begins)
    assert ", in 9\N{NO-BREAK SPACE}min" in reason


def test_its_task_and_its_queue_are_paused_and_nobody_is_there(admin_client: Client) -> None:
    TaskDefinition.objects.filter(path=tasks.echo.module_path).update(paused=True)
    PausedQueue.objects.create(name="default", backend="default", paused_at=ago(1))
    assert why(admin_client, make_job()) == [
        "The task is paused: workers leave its jobs READY until it is resumed. (tests.app.tasks.echo)",
        "The queue “default” is paused: workers leave its jobs READY until it is resumed.",
        "No live worker serves the queue “default” of backend “default”: start one with runworkers.",
    ]


def test_its_task_is_unknown_here_or_to_workers(admin_client: Client) -> None:
    make_worker()
    (reason,) = why(admin_client, make_job(task="antigravity.fly"))
    assert reason.startswith("No task “antigravity.fly” is registered in this process. The job stays READY: deploy")
    (reason,) = why(admin_client, make_job(task=tasks.boom.module_path))
    assert reason.startswith("No worker has declared the task “tests.app.tasks.boom” yet")


def test_its_backend_is_none_of_jobqueue(admin_client: Client) -> None:
    reasons = why(admin_client, make_job(backend="abandoned"))
    assert reasons[0] == "TASKS has no backend of jobqueue named “abandoned” in this process."


def test_it_waits_for_others(admin_client: Client) -> None:
    make_worker()
    job = make_job(gate=Gate.AFTER)
    earlier = [make_job("SUCCESSFUL"), make_job("RUNNING"), make_job()]
    for position, one in enumerate([*(one.pk for one in earlier), uuid.uuid4()]):
        Dependency.objects.create(job_id=job.pk, after_id=one, position=position, on_failure="fail")
    assert why(admin_client, job) == [
        f"It waits for 2 jobs: echo …{str(earlier[1].pk)[-8:]}, echo …{str(earlier[2].pk)[-8:]}"
    ]
    (reason,) = admin_client.get(page_of(job)).context["page"]["why"]
    assert [page_of(one) in reason.text for one in earlier] == [False, True, True]
    Job.objects.exclude(pk=job.pk).update(status="FAILED")
    assert why(admin_client, job) == ["All that it waits for has ended: a worker opens its gate in a moment."]


def test_it_waits_for_a_commit(admin_client: Client) -> None:
    (reason,) = why(admin_client, make_job(gate=Gate.COMMIT))
    assert reason.startswith("It belongs to a transaction on another database.")


def limited(task: Any, **columns: Any) -> Iterator[Job]:
    """Yield jobs of a task that has a limit."""
    while True:
        yield make_job(task=task.module_path, limit_key=task.module_path, gate=Gate.LIMIT, **columns)


def test_its_limit_is_full(admin_client: Client) -> None:
    make_worker()
    task = limited_tasks.alone
    (job, other) = (next(limited(task)) for _ in range(2))
    # Nothing runs with it yet.
    assert why(admin_client, job)[0].startswith("It is due: a worker takes it in a moment.")
    Job.objects.filter(pk=other.pk).update(status="RUNNING", gate="", started_at=ago(1))
    (reason,) = why(admin_client, job)
    assert reason.startswith(f"Its limit is full: 1 of 1 jobs with the key {task.module_path} run: alone …")
    assert page_of(other) in admin_client.get(page_of(job)).context["page"]["why"][0].text


def test_its_rate_is_used_up(admin_client: Client) -> None:
    make_worker()
    task = limited_tasks.call_hourly
    job = next(limited(task))
    Limit.objects.create(name=task.module_path, next_at=ago(-3000), used_at=ago(1))
    (reason,) = why(admin_client, job)
    assert reason.startswith("Its rate of ")
    assert f"is used up for the key {task.module_path}: the next one may begin in " in reason


def test_a_gate_of_another_version_is_told(admin_client: Client) -> None:
    (reason,) = why(admin_client, make_job(gate="moon"))
    assert reason == "It waits at a gate that this version does not know: “moon”."


@pytest.mark.parametrize("status", ["RUNNING", "SUCCESSFUL", "FAILED"])
def test_one_that_does_not_wait_says_nothing_of_it(admin_client: Client, status: str) -> None:
    job = make_job(status)
    assert why(admin_client, job) == []
    assert "Why it waits" not in admin_client.get(page_of(job)).text


@pytest.mark.parametrize("gate", Gate.values)
def test_every_gate_has_a_reason(admin_client: Client, gate: str) -> None:
    make_worker()
    key = limited_tasks.alone.module_path
    assert why(admin_client, make_job(task=key, gate=gate, limit_key=key))
