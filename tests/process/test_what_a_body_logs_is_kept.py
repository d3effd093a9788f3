"""Lines that a body logs are kept with its attempt: each with the job that logged it, whatever became of that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from jobqueue.models import Attempt, AttemptLog, Job
from tests.admin.conftest import page_of
from tests.app import logging_tasks
from tests.app.record import notes, open_gate
from tests.app.tasks import echo
from tests.waiting import wait_until

MANY = 8


def ended(made: list[Any], *statuses: str) -> list[Job]:
    """Wait until these jobs have ended, and return them."""
    rows = Job.objects.filter(pk__in=[result.id for result in made]).order_by("pk")
    wait_until(lambda: not rows.exclude(status__in=statuses or ["SUCCESSFUL"]).exists(), 30)
    return list(rows)


def lines(job: Job, token: Any = None) -> list[str]:
    """Wait for the log of a claim of a job, of its last one, and return its messages."""
    logs = AttemptLog._default_manager.filter(job_id=job.pk, token=token or job.token)
    log = wait_until(logs.first)
    return [line.partition("shop.tasks ")[2] for line in log.lines.split("\n")]


@pytest.mark.parametrize(
    ("task", "flags", "times"),
    [
        (logging_tasks.log_and_meet, ("--threads", str(MANY)), 2),
        (logging_tasks.log_and_meet_as_coroutine, ("--async-concurrency", str(MANY)), 3),
    ],
    ids=["threads", "coroutines"],
)
def test_each_line_is_with_its_own_job(
    start_on: Callable[..., Any], backend_alias: str, tmp_path: Path, task: Any, flags: tuple[str, ...], times: int
) -> None:
    file = str(tmp_path / "meeting")
    names = [f"customer {number}" for number in range(MANY)]
    made = task.using(backend=backend_alias).enqueue_many([((file, MANY, name), {}) for name in names])
    start_on(backend_alias, *flags)
    jobs = ended(made)
    assert [lines(job) for job in jobs] == [
        [f"{name} is job {job.pk}"] * times for name, job in zip(names, jobs, strict=True)
    ]


def test_one_that_failed_has_them_on_its_page_without_secrets(
    start_on: Callable[..., Any], backend_alias: str, admin_client: Client
) -> None:
    made = logging_tasks.log_and_raise.using(backend=backend_alias).enqueue("swordfish-4711")
    start_on(backend_alias)
    (job,) = ended([made], "FAILED")
    attempt = Attempt.objects.get(job_id=job.pk)
    assert lines(job, attempt.token) == ["given ********************"]
    page = admin_client.get(page_of(job)).text
    assert "WARNING shop.tasks given ****" in page
    assert "swordfish" not in page.partition("<h2>Attempts</h2>")[2]


def test_one_whose_process_was_killed_has_what_it_had_told(
    start_on: Callable[..., Any], backend_alias: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "record")
    made = logging_tasks.log_and_be_killed.using(backend=backend_alias).enqueue(file)
    start_on(backend_alias)
    # They are written down while it runs, so that somebody who looks at it sees them.
    told = wait_until(AttemptLog._default_manager.filter(job_id=made.id).first, 30)
    assert Job.objects.get(pk=made.id).status == "RUNNING"
    assert told.lines.endswith("before the end")
    open_gate(file)
    (job,) = ended([made])
    first = Attempt.objects.get(job_id=job.pk, outcome="crashed")
    assert lines(job, first.token) == ["before the end"]
    assert lines(job) == ["before the end", "after all"]
    assert len(notes(file, "start")) == 2


def test_a_burst_leaves_none_behind_and_one_that_logs_nothing_has_none(
    start_on: Callable[..., Any], backend_alias: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "meeting")
    quiet = echo.using(backend=backend_alias).enqueue("x")
    loud = logging_tasks.log_and_meet.using(backend=backend_alias).enqueue(file, 1, "ada")
    worker = start_on(backend_alias, "--burst")
    worker.wait(30)
    assert [str(log.job_id) for log in AttemptLog._default_manager.all()] == [loud.id]
    assert Job.objects.get(pk=quiet.id).status == "SUCCESSFUL"
