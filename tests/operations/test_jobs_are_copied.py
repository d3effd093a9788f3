"""Who copies a job enqueues the same call once more; what cannot be copied is told, and keeps no other from it."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobqueue import operations
from jobqueue.backend import JobQueueBackend
from jobqueue.models import Dependency, Job
from tests import rows
from tests.app import limited_tasks, tasks, unique_tasks
from tests.operations.test_the_jobs_command import jobs, refused, told
from tests.security.rows import spoil

pytestmark = pytest.mark.django_db(transaction=True)
TAKEN_OVER = ("task_path", "arguments", "queue", "priority", "backend")


def copies() -> operations.Report:
    return operations.copy(Job.objects.all())


def why_not() -> str:
    """Return why none of the jobs was copied."""
    report, before = copies(), Job.objects.count()
    assert (report.done, report.made) == (0, [])
    assert Job.objects.count() == before
    return " ".join(report.skipped)


@pytest.mark.parametrize("status", ["READY", "RUNNING", "SUCCESSFUL", "FAILED"])
def test_a_copy_is_the_same_call_in_the_same_place_and_a_job_of_its_own(status: str) -> None:
    later = timezone.now() + timedelta(hours=1)
    first = tasks.echo.using(
        queue_name="mail", priority=7, backend="plain", idempotency_key="k", run_after=later
    ).enqueue({"a": [1]})
    Job.objects.update(status=status, attempt=3, failures=2, outcome="raised" if status == "FAILED" else "")
    before = rows.everything(uuid.UUID(first.id))
    report = copies()
    (made,) = report.made
    job, copy = rows.job(uuid.UUID(first.id)), rows.job(made)
    assert report.done == 1
    assert all(getattr(job, name) == getattr(copy, name) for name in TAKEN_OVER)
    assert (copy.status, copy.idempotency_key, copy.attempt, copy.failures, copy.outcome) == ("READY", None, 0, 0, "")
    assert copy.due_at <= timezone.now()
    assert rows.everything(job.pk) == before


def test_a_copy_waits_for_no_other_job() -> None:
    behind = rows.enqueue(tasks.echo, 1, after=[rows.enqueue(tasks.echo, 1)])
    (made,) = operations.copy(Job.objects.filter(pk=behind)).made
    assert rows.job(made).gate == ""
    assert not Dependency.objects.filter(job_id=made).exists()


def test_a_worker_is_woken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rows.enqueue(tasks.echo, 1, queue_name="mail")
    queues: list[str] = []
    monkeypatch.setattr(JobQueueBackend, "wake", lambda _, names: queues.extend(names))
    copies()
    assert "mail" in queues


def test_its_limit_holds_for_the_copy() -> None:
    limited_tasks.alone.enqueue(1)
    (made,) = copies().made
    assert rows.job(made).limit_key == Job.objects.exclude(pk=made).get().limit_key != ""


def test_copies_are_not_copied_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_LOT", 1)
    for _ in range(3):
        rows.enqueue(tasks.echo, 1)
    assert copies().done == 3
    assert Job.objects.count() == 6


def test_nor_when_a_job_has_an_id_of_a_clock_that_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_LOT", 2)
    for _ in range(3):
        rows.enqueue(tasks.echo, 1)
    Job.objects.filter(pk=rows.enqueue(tasks.echo, 1)).update(id=uuid.UUID("ffffffff-ffff-7fff-bfff-ffffffffffff"))
    assert operations.copy(Job.objects.all()).done == 4
    assert Job.objects.count() == 8


def test_of_a_unique_task_there_is_one_and_it_is_said_which() -> None:
    first = unique_tasks.sync.enqueue(1)
    why = why_not()
    assert f"Job {first.id} cannot be copied: job {first.id} is there for the same call" in why
    assert 'unique="active"' in why
    Job.objects.update(status="SUCCESSFUL")
    assert copies().done == 1


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"task_path": "gone.tasks.old"}, "no task 'gone.tasks.old' is registered"),
        ({"backend": "abandoned"}, "no backend of jobqueue named 'abandoned'"),
        ({"queue": "no-such-queue"}, "no-such-queue"),
        ({"arguments": {"args": [], "kwargs": {"very-secret": "hidden"}}}, "no longer fit tests.app.tasks.echo(value)"),
        ({"arguments": {"args": ["hidden", "hidden"], "kwargs": {}}}, "no longer fit"),
        ({"arguments": ["hidden"]}, "cannot be read"),
    ],
)
def test_what_cannot_be_is_told_with_the_reason_and_nothing_of_the_arguments(columns: dict[str, Any], why: str) -> None:
    rows.enqueue(tasks.echo, 1)
    Job.objects.update(**columns)
    told = why_not()
    assert why in told
    assert "hidden" not in told
    assert "secret" not in told


def test_what_is_in_doubt_is_decided_first() -> None:
    rows.enqueue(tasks.echo, 1)
    Job.objects.update(status="FAILED", outcome="in_doubt")
    assert "is to be decided first" in why_not()


def test_arguments_that_somebody_else_has_spoilt_are_not_passed_on() -> None:
    job_id = rows.enqueue(tasks.echo, 1)
    if spoil(job_id, arguments='{"args": [], "kwargs": {}, "func": "os.system"}'):
        assert "cannot be read" in why_not()


@pytest.mark.parametrize("task", [unique_tasks.sync_account, limited_tasks.serve], ids=lambda task: task.name)
def test_what_code_of_the_project_says_of_its_keys_keeps_no_other_from_it(task: Any) -> None:
    bad = task.enqueue("a")
    Job.objects.update(status="SUCCESSFUL", arguments={"args": [["hidden"]], "kwargs": {}})
    rows.enqueue(tasks.echo, 1)
    report = copies()
    assert report.done == 1
    assert bad.id in report.skipped[0]
    assert "key" in report.skipped[0]
    assert "hidden" not in report.skipped[0]


def test_the_command_copies_and_names_the_new_ones() -> None:
    first, second = rows.enqueue(tasks.echo, 1), rows.enqueue(tasks.echo, 1, queue_name="mail")
    assert told("copy", "--queue", "mail", "--dry-run") == {"would_be": "copied", "count": 1}
    said = jobs("copy", first)
    made = Job.objects.exclude(pk__in=[first, second]).get()
    assert said.splitlines() == ["1 job was copied.", f"New: job {made.pk}"]
    document = told("copy", "--queue", "mail")
    assert (document["copied"], document["skipped"]) == (1, [])
    assert str(Job.objects.filter(queue="mail").latest("pk").pk) in json.dumps(document["made"])


def test_the_command_says_what_it_cannot() -> None:
    job_id = rows.enqueue(tasks.echo, 1)
    Job.objects.update(task_path="gone.tasks.old")
    text = refused("copy", job_id)
    assert "0 jobs were copied." in text
    assert "no task 'gone.tasks.old'" in text
