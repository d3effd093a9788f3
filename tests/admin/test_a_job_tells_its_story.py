from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobqueue.models import AttemptLog, Job, LedgerEntry
from tests.admin.conftest import JOBS, ago, make_attempt, make_definition, make_job, make_worker, page_of
from tests.app import tasks


def page(client: Client, job: Any) -> dict[str, Any]:
    """Return what the page of a job shows."""
    return client.get(page_of(job)).context["page"]


def text(client: Client, job: Any) -> str:
    """Return the page of a job."""
    return client.get(page_of(job)).content.decode()


@pytest.mark.parametrize(
    ("columns", "shape", "words"),
    [
        ({}, "ready", ["Ready", "due"]),
        ({"due_at": -570}, "later", ["Ready", "due in 9\xa0min"]),
        ({"failures": 1, "outcome": "raised", "due_at": -300}, "again", ["Ready", "raised, due in "]),
        ({"status": "RUNNING"}, "running", ["Running"]),
        ({"status": "SUCCESSFUL"}, "successful", ["Successful"]),
        ({"status": "FAILED", "outcome": "timed_out"}, "failed", ["Failed", "timed out"]),
        ({"status": "FAILED", "outcome": "cancelled"}, "cancelled", ["Failed", "cancelled"]),
    ],
)
def test_a_state_is_a_word_and_a_shape(
    admin_client: Client, columns: dict[str, Any], shape: str, words: list[str]
) -> None:
    if "due_at" in columns:
        # Seconds until now: a moment of when tests were collected would long be past in a slow run.
        columns = columns | {"due_at": ago(columns["due_at"])}
    job = make_job(**columns)
    for html in (admin_client.get(reverse(JOBS)).content.decode(), text(admin_client, job)):
        assert f"jq-state jq-{shape}" in html
        for word in words:
            assert word in html


def test_a_job_that_succeeded_at_once_is_told_from_its_own_row(admin_client: Client) -> None:
    make_worker()
    job = make_job("SUCCESSFUL", result={"rows": 3})
    (row,) = page(admin_client, job)["runs"]
    assert not row.run.recorded
    assert (row.run.attempt.number, row.run.attempt.worker_id) == (1, "w-1")
    assert row.run.duration == "5.0\xa0s"
    html = text(admin_client, job)
    assert "Told by the job’s own row" in html
    assert str(job.token) in html
    assert "&quot;rows&quot;: 3" in html


def test_a_success_whose_record_is_still_open_is_told_as_one(admin_client: Client) -> None:
    """The worker closes the record a moment after the job has succeeded, or never if it dies in between."""
    job = make_job("SUCCESSFUL")
    make_attempt(job, 1, token=job.token, renewals=2)
    (row,) = page(admin_client, job)["runs"]
    assert row.run.recorded
    assert (row.run.attempt.outcome, row.run.ended) == ("ok", job.finished_at)


def test_every_attempt_is_told_with_why_it_ended(admin_client: Client) -> None:
    job = make_job("FAILED", attempt=3, failures=1, crashes=1)
    make_attempt(job, 1, outcome="lost", refused_writes=2, renewals=5, started_at=ago(50), ended_at=ago(40))
    failed = make_attempt(
        job, 3, outcome="raised", exception_class="builtins.ValueError", traceback="Traceback …\nValueError: no"
    )
    rows = page(admin_client, job)["runs"]
    assert [row.run.attempt.number for row in rows] == [1, 3]
    html = text(admin_client, job)
    for part in ("2 late writes refused", "lost", "builtins.ValueError", "ValueError: no", str(failed.token)):
        assert part in html
    assert "Numbers that are missing" in html


def test_attempts_lie_on_one_line_of_time(admin_client: Client) -> None:
    job = make_job("FAILED", attempt=2)
    start = ago(100)

    def at(seconds: float) -> Any:
        return start + timedelta(seconds=seconds)

    make_attempt(job, 1, outcome="crashed", started_at=start, renewed_at=at(20), ended_at=at(50), renewals=2)
    make_attempt(job, 2, outcome="raised", started_at=at(50), ended_at=at(100))
    shown = page(admin_client, job)
    first, second = (row.bar for row in shown["runs"])
    assert first == ("0.0", "500.0", "200.0", "0.0", ["100.0", "200.0"], "")
    assert second == ("500.0", "500.0", "0.0", "0.0", [], "")
    assert "1\xa0min 40\xa0s from" in text(admin_client, job)


def test_a_frozen_attempt_shows_for_how_long_it_was_trusted_and_that_its_late_writes_were_refused(
    admin_client: Client,
) -> None:
    """Leases of that backend last for two seconds."""
    job = make_job("FAILED", attempt=2)
    start = ago(40)

    def at(seconds: float) -> Any:
        return start + timedelta(seconds=seconds)

    make_attempt(
        job, 1, outcome="lost", started_at=start, renewed_at=at(4), ended_at=at(5), renewals=6, refused_writes=1
    )
    make_attempt(job, 2, outcome="raised", started_at=at(7), ended_at=at(10))
    first, second = (row.bar for row in page(admin_client, job)["runs"])
    assert (first.start, first.length, first.covered, first.trust) == ("0.0", "500.0", "400.0", "200.0")
    assert float(first.refused) == 600.0 < float(second.start)
    assert (second.trust, second.refused) == ("0.0", "")


def test_a_renewal_that_was_noted_after_the_end_covers_nothing(admin_client: Client) -> None:
    """Leases of that backend last for two seconds."""
    job = make_job("FAILED", attempt=2)
    start = ago(40)

    def at(seconds: float) -> Any:
        return start + timedelta(seconds=seconds)

    make_attempt(
        job, 1, outcome="lost", started_at=start, renewed_at=at(15), ended_at=at(5), renewals=6, refused_writes=1
    )
    make_attempt(job, 2, outcome="raised", started_at=at(5), ended_at=at(20))
    first, _ = (row.bar for row in page(admin_client, job)["runs"])
    assert (first.length, first.covered, first.trust, first.refused) == ("250.0", "150.0", "100.0", "250.0")


def test_a_running_one_is_trusted_beyond_now(admin_client: Client) -> None:
    job = make_job("RUNNING", since=14)
    make_attempt(job, token=job.token, renewed_at=ago(1), renewals=1000)
    (row,) = page(admin_client, job)["runs"]
    assert float(row.bar.start) + float(row.bar.covered) + float(row.bar.trust) == pytest.approx(1000, abs=0.3)
    assert float(row.bar.length) < 1000
    assert len(row.bar.ticks) == 100


@pytest.mark.parametrize("renewed", [-50, 500])
def test_moments_that_cannot_be_are_drawn_as_far_as_they_can(admin_client: Client, renewed: float) -> None:
    job = make_job("FAILED", attempt=1, backend="abandoned")
    start = ago(100)
    make_attempt(
        job, 1, outcome="lost", started_at=start, ended_at=ago(90), renewed_at=start + timedelta(seconds=renewed)
    )
    (row,) = page(admin_client, job)["runs"]
    assert all(0 <= float(value) <= 1000 for value in row.bar[:4])


def test_steps_progress_and_arguments_are_shown(admin_client: Client) -> None:
    job = make_job("RUNNING", arguments={"args": [7], "kwargs": {"name": "é"}})
    make_attempt(job, progress={"done": 30, "total": 100, "note": "rows read"})
    LedgerEntry.objects.create(
        scope=f"step:{job.pk}", key="fetch", job_id=job.pk, attempt=1, value=5, created_at=ago(1)
    )
    LedgerEntry.objects.create(scope="enqueue:x", key="a-key", job_id=job.pk, created_at=ago(1))
    shown = page(admin_client, job)
    assert '<progress aria-label="Progress" max="100" value="30.0"></progress> <b>30%</b>' in shown["progress"]
    assert "30 / 100 rows read" in shown["progress"]
    assert len(shown["steps"]) == 1
    assert "&quot;name&quot;: &quot;é&quot;" in shown["arguments"]
    assert "30 / 100 rows read" in admin_client.get(reverse(JOBS)).content.decode()


def test_a_task_unknown_here_is_an_alert_and_is_not_imported(admin_client: Client) -> None:
    job = make_job(task="antigravity.fly")
    html = text(admin_client, job)
    assert "No task “antigravity.fly” is registered in this process." in html
    assert "stays READY: deploy a version that has it" in html
    assert "unknown here" in admin_client.get(reverse(JOBS)).content.decode()


@pytest.mark.parametrize(
    ("state", "bar"),
    [
        ({"done": 30, "total": None, "note": ""}, '<progress aria-label="Progress"></progress>'),
        ({"done": 5, "total": 2, "note": ""}, '<progress aria-label="Progress" max="100" value="100.0"></progress>'),
        ({"done": 5, "total": 0, "note": ""}, '<progress aria-label="Progress"></progress>'),
        ({"done": "<q>", "total": [1], "note": "n"}, ""),
        ({"done": True, "total": 10**400, "note": "n"}, ""),
    ],
)
def test_progress_is_a_bar_as_far_as_there_are_numbers(admin_client: Client, state: dict[str, Any], bar: str) -> None:
    job = make_job("RUNNING")
    make_attempt(job, progress=state)
    shown = page(admin_client, job)["progress"]
    assert bar in shown
    assert ("<progress" in shown) == bool(bar)
    assert "<q>" not in shown


def test_the_lines_of_an_attempt_are_below_it_and_those_of_others_are_not(admin_client: Client) -> None:
    job, other = make_job("SUCCESSFUL"), make_job("SUCCESSFUL")
    first = make_attempt(job, 1, token=uuid.uuid4(), outcome="raised")
    for token, lines in ((first.token, "of the first"), (job.token, "one\ntwo"), (uuid.uuid4(), "of nobody")):
        AttemptLog._default_manager.create(job_id=job.pk, token=token, lines=lines)
    AttemptLog._default_manager.create(job_id=other.pk, token=other.token, lines="of another")
    job.attempt = 2
    job.save()
    assert [(row.log, row.log_lines) for row in page(admin_client, job)["runs"]] == [
        ("of the first", 1),
        ("one\ntwo", 2),
    ]
    html = text(admin_client, job)
    assert "Log, 2 lines" in html
    assert "of another" not in html


def test_one_that_logged_nothing_has_no_log(admin_client: Client) -> None:
    assert "jq-log" not in text(admin_client, make_job("SUCCESSFUL"))


def test_unfenced_tasks_have_a_badge(admin_client: Client) -> None:
    make_definition(tasks.echo.module_path, effects="unfenced")
    job = make_job("SUCCESSFUL")
    for html in (admin_client.get(reverse(JOBS)).content.decode(), text(admin_client, job)):
        assert ">unfenced</span>" in html


def test_a_job_that_is_gone_leads_to_the_index(admin_client: Client) -> None:
    job = make_job()
    address = page_of(job)
    job.delete()
    assert admin_client.get(address).url == reverse("admin:index")


def test_an_attempt_is_known_by_its_token_where_numbers_repeat(admin_client: Client) -> None:
    job = make_job("RUNNING")
    earlier = make_attempt(job, 1, token=uuid.uuid4(), outcome="lost", renewals=9)
    rows = page(admin_client, job)["runs"]
    assert [(row.run.attempt.token, row.run.running) for row in rows] == [(earlier.token, False), (job.token, True)]


def test_one_that_waits_for_a_commit_says_what_that_is(admin_client: Client) -> None:
    job = make_job(gate="commit")
    html = admin_client.get(page_of(job)).content.decode()
    assert "It belongs to a transaction on another database." in html
    Job.objects.update(status="RUNNING")
    assert "transaction on another database" not in admin_client.get(page_of(job)).content.decode()
