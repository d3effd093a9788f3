"""What the pages for those who come from other queues show of jobqueue runs as it stands there."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.tasks import task
from django.utils.module_loading import import_string

from jobqueue.backend import JobQueueBackend
from jobqueue.models import Job
from tests.docs.pages import OF_OTHERS, examples, fenced, text_of

BOTH = 1


def delays() -> list[timedelta]:
    """Return for how long each job waits, to the minute."""
    waits = [job.due_at - job.enqueued_at for job in Job.objects.filter(queue="mail").order_by("pk")]
    return [timedelta(minutes=round(wait / timedelta(minutes=1))) for wait in waits]


def test_celery_s_task_is_enqueued_and_asks_for_another_attempt(page: Any, run: Any) -> None:
    busy = [True]
    shown = page("from-celery", only=0, they_are_busy=busy.pop)
    assert delays() == [timedelta(0), timedelta(minutes=1), timedelta(0)]
    job = run(shown.send.using(queue_name="default"), 7).job
    assert job.status == "READY"
    assert timedelta(seconds=20) < job.due_at - job.enqueued_at < timedelta(seconds=40)
    assert (shown.send.max_attempts, shown.send.timeout, shown.send.retry_on) == (5, 60, (OSError,))


def test_rq_s_job_is_enqueued(page: Any, run: Any) -> None:
    shown = page("from-rq", only=0)
    assert delays() == [timedelta(0), timedelta(minutes=5)]
    assert run(shown.send.using(queue_name="default"), 7).job.status == "SUCCESSFUL"
    assert shown.send.backoff(OSError(), None) == 60


def declared(function: Any, **_: Any) -> Any:
    """Stand for a decorator of others."""
    return function


@pytest.mark.parametrize("name", ["from-celery", "from-rq", "from-dramatiq-and-huey"])
def test_a_function_is_a_task_of_both(page: Any, run: Any, name: str) -> None:
    others = {
        "shared_task": declared,
        "dramatiq": SimpleNamespace(actor=declared),
        "huey": SimpleNamespace(task=lambda: declared),
    }
    shown = page(name, only=len(examples(name)) - 1, task=task, **others)
    done = run(getattr(shown, "send_by_jobqueue", None) or shown.send_task, 7)
    assert (done.job.task_path, done.job.status) == (f"page_{name}.send", "SUCCESSFUL")


def test_the_settings_beside_django_tasks_db_are_good(page: Any) -> None:
    before, both = (page("from-django-tasks-db", only=number) for number in (0, 1))
    for alias, entry in [*before.TASKS.items(), *both.TASKS.items()]:
        if entry["BACKEND"] != "django_tasks_db.DatabaseBackend":
            assert import_string(entry["BACKEND"])(alias, entry).settings.redis is None
    assert isinstance(JobQueueBackend("default", both.TASKS["default"]), JobQueueBackend)
    assert list(both.TASKS) == ["default", "old"]


@pytest.mark.parametrize("name", ["from-celery", "from-rq"])
def test_what_others_do_is_shown_beside(name: str) -> None:
    assert sum(block.startswith(OF_OTHERS) for block in fenced(text_of(name), "python")) == 1
