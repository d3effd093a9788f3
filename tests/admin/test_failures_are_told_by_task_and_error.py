"""The page of failures: what failed, of what, how often lately; one press leads to the jobs, another retries them."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobqueue.admin import failures
from jobqueue.models import Job
from tests.admin.conftest import JOBS, make_attempt, make_job
from tests.app import tasks

FAILURES = "admin:jobqueue_job_failures"


def failed(exception="builtins.ValueError", *, since=60.0, outcome="raised", task=tasks.boom, attempts=1):
    job = make_job("FAILED", task=task.module_path, since=since + 15, outcome=outcome, attempt=attempts)
    for number in range(1, attempts + 1):
        make_attempt(job, number, exception_class=exception if number == attempts else "builtins.OSError")
    return job


@pytest.fixture
def look(staff):
    """Give `look(*permissions)`: sign in, and return the rows of the page as texts."""

    def look(*permissions):
        response = staff("view_job", *permissions).get(reverse(FAILURES))
        assert response.status_code == 200
        body = response.content.decode().partition("<tbody")[2].partition("</tbody>")[0]
        return [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in body.split("<tr>")[1:]]

    return look


def test_alike_ones_are_one_row_the_last_one_first(look):
    for since in (30, 7000, 100_000, 700_000):
        failed(since=since)
    failed("builtins.KeyError", since=90)
    failed("builtins.ValueError", since=200, task=tasks.echo)
    failed("", outcome="cancelled", since=800)
    rows = look()
    assert [row.split()[:2] for row in rows] == [
        ["boom", "tests.app.tasks"],
        ["boom", "tests.app.tasks"],
        ["echo", "tests.app.tasks"],
        ["boom", "tests.app.tasks"],
    ]
    assert "raised builtins.ValueError 4 1 2 3 8 d" in rows[0]
    assert "builtins.KeyError 1 1 1 1" in rows[1]
    assert "cancelled – 1 1 1 1" in rows[3]


def test_the_error_is_that_of_the_last_attempt(look):
    failed("builtins.KeyError", attempts=3)
    (row,) = look()
    assert "builtins.KeyError" in row
    assert "OSError" not in row


def test_one_that_was_never_begun_counts_once_however_often_it_ended(look):
    job = failed(outcome="dependency", attempts=0)
    for _ in range(2):
        make_attempt(job, 0, exception_class="jobqueue.errors.DependencyFailed")
    (row,) = look()
    assert "jobqueue.errors.DependencyFailed 1 1 1 1" in row


def test_those_without_an_error_lead_to_none_that_have_one(admin_client):
    none = [failed("", outcome="cancelled"), failed(outcome="cancelled", attempts=0)]
    failed("jobqueue.errors.JobCancelled", outcome="cancelled")
    rows = admin_client.get(reverse(FAILURES)).context["rows"]
    (link,) = [row["count"] for row in rows if row["exception"] == "–"]
    found = admin_client.get(re.search('href="([^"]*)"', link)[1].replace("&amp;", "&")).context["cl"].result_list
    assert {job.pk for job in found} == {job.pk for job in none}


def test_nothing_has_failed(look):
    make_job("SUCCESSFUL")
    assert look() == ["Nothing has failed."]


def test_the_number_leads_to_just_these_jobs(admin_client):
    wanted = {failed().pk, failed(since=100).pk}
    failed("builtins.KeyError")
    failed(task=tasks.echo)
    failed(outcome="crashed")
    page = admin_client.get(reverse(FAILURES)).content.decode()
    links = re.findall(r'href="([^"]*exception=builtins.ValueError[^"]*)"', page.replace("&amp;", "&"))
    found = [admin_client.get(link).context["cl"].result_list for link in links]
    assert {job.pk for job in next(jobs for jobs in found if len(jobs) == 2)} == wanted


def test_all_of_a_kind_are_retried_after_a_confirmation(admin_client):
    kind, other = [failed(), failed()], failed("builtins.KeyError")
    page = admin_client.get(reverse(FAILURES))
    (press,) = next(row["presses"] for row in page.context["rows"] if "ValueError" in row["exception"])
    asked = admin_client.post(press["url"], press["fields"])
    assert asked.status_code == 200
    assert "Retry 2 jobs" in asked.content.decode()
    assert Job.objects.filter(status="FAILED").count() == 3
    fields = {**asked.context["fields"], "confirmed": "yes"}
    assert fields[ACTION_CHECKBOX_NAME]
    done = admin_client.post(asked.context["action_url"], fields)
    assert done.status_code == 302
    assert set(Job.objects.filter(status="READY")) == set(kind)
    assert Job.objects.get(status="FAILED") == other


def test_who_may_not_retry_has_no_button(look):
    failed()
    assert "Retry" not in look()[0]


def test_what_is_in_doubt_is_not_retried_from_here(look):
    failed(outcome="in_doubt")
    assert "Retry" not in look("retry_job")[0]


def test_who_may_not_see_jobs_sees_no_failures(staff):
    assert staff("view_worker").get(reverse(FAILURES)).status_code == 403


@pytest.mark.django_db
def test_it_asks_little_and_looks_at_the_newest_alone(admin_client, monkeypatch):
    monkeypatch.setattr(failures, "COUNT_AT_MOST", 3)
    for number in range(5):
        failed(f"shop.errors.E{number}", since=1000 - number)
    with CaptureQueriesContext(connection) as asked:
        page = admin_client.get(reverse(FAILURES))
    assert len(page.context["rows"]) == 3
    assert len(asked) <= 12


@pytest.mark.django_db
def test_an_error_that_nobody_had_finds_no_jobs(admin_client):
    failed()
    for value in ("shop.errors.Gone", "a\0b"):
        page = admin_client.get(reverse(JOBS), {"status": "FAILED", "exception": value})
        assert list(page.context["cl"].result_list) == []


@pytest.mark.django_db
def test_an_outcome_of_another_version_is_shown_as_it_is(admin_client):
    failed(outcome="evaporated"[:10])
    assert "evaporated" in admin_client.get(reverse(FAILURES)).content.decode()
