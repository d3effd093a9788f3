"""Whoever chooses all that match may mean a hundred thousand: each press does what fits in some seconds, and tells."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.urls import reverse

from jobqueue import lifecycle, operations
from jobqueue.admin import stretches, verbs
from jobqueue.models import Job
from tests.admin.conftest import JOBS, make_job

FAILED = "?status=FAILED&queue=default"


def choose(client: Client, action: str = "retry_selected", query: str = FAILED) -> Any:
    """Tick "select all that match" and run an action."""
    ticked = Job.objects.values_list("pk", flat=True).first()
    data = {"action": action, "index": "0", "select_across": "1", "_selected_action": str(ticked)}
    return client.post(f"{reverse(JOBS)}{query}", data)


def press(client: Client, response: Any) -> Any:
    """Press the button of the page that asks."""
    context = response.context
    return client.post(context["action_url"], {**context["fields"], "confirmed": "yes"})


def said(response: Any) -> str:
    return " ".join(map(str, get_messages(response.wsgi_request)))


def ready() -> int:
    return Job.objects.ready().count()


def test_all_that_match_are_those_it_can_be_done_to(admin_client: Client) -> None:
    for _ in range(25):
        make_job("FAILED")
    other, elsewhere = make_job("SUCCESSFUL"), make_job("FAILED", queue="mail")
    asked = choose(admin_client, query="?queue=default")
    assert asked.context["count"] == 25
    assert (len(asked.context["listed"]), asked.context["unlisted"]) == (20, 5)
    assert ready() == 0, "nothing is done before it is confirmed"

    done = press(admin_client, asked)

    assert (done.status_code, done.url) == (302, f"{reverse(JOBS)}?queue=default")
    assert said(done) == "25 jobs were retried."
    assert LogEntry.objects.count() == ready() == 25
    assert {Job.objects.get(pk=it.pk).status for it in (other, elsewhere)} == {"SUCCESSFUL", "FAILED"}


@pytest.fixture
def one_a_press(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "SECONDS", 0.0)
    monkeypatch.setattr(operations, "_LOT", 1)


def test_what_does_not_fit_is_asked_for_again_and_is_said(admin_client: Client, one_a_press: None) -> None:
    for _ in range(3):
        make_job("FAILED")
    page = press(admin_client, choose(admin_client))
    html = page.content.decode()
    assert (page.status_code, page.context["count"], ready()) == (200, 2, 1)
    assert "2 are left: press again to go on." in html
    assert "1 job was retried." in html
    page = press(admin_client, page)
    assert "1 is left: press again to go on." in page.content.decode()
    assert press(admin_client, page).status_code == 302
    assert ready() == 3


def test_no_press_comes_to_a_job_twice_nor_to_one_that_came_later(admin_client: Client, one_a_press: None) -> None:
    """A job that is retried and fails again matches again: without an end of their own, presses would have none."""
    for _ in range(2):
        make_job("FAILED")
    page = choose(admin_client)
    later = make_job("FAILED")
    page = press(admin_client, page)
    Job.objects.update(status="FAILED")
    done = press(admin_client, page)
    assert done.status_code == 302
    assert LogEntry.objects.count() == 2
    assert not LogEntry.objects.filter(object_id=str(later.pk)).exists()
    assert len(set(LogEntry.objects.values_list("object_id", flat=True))) == 2


def test_cancelling_goes_the_same_way(admin_client: Client, one_a_press: None) -> None:
    jobs = [make_job("READY"), make_job("RUNNING"), make_job("FAILED")]
    page = choose(admin_client, "cancel_selected", "")
    assert page.context["count"] == 2
    assert press(admin_client, press(admin_client, page)).status_code == 302
    assert [Job.objects.get(pk=job.pk).outcome for job in jobs] == ["cancelled", "cancelled", "raised"]


def test_how_many_were_passed_over_and_why_is_said(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(7):
        make_job("FAILED")
    monkeypatch.setattr(operations, "_LOT", 1)
    real, done = lifecycle.retry, []

    def finished_meanwhile(job_id: uuid.UUID) -> None:
        done.append(job_id)
        if len(done) > 1:
            Job.objects.filter(pk=job_id).update(status="SUCCESSFUL")
        real(job_id)

    monkeypatch.setattr(lifecycle, "retry", finished_meanwhile)
    text = said(press(admin_client, choose(admin_client)))
    assert "1 job was retried." in text
    assert text.count("is not FAILED") == 5
    assert "Skipped 6" in text
    assert "1 more" in text


def test_reasons_are_kept_for_so_many_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told of a hundred thousand jobs has to fit into memory."""
    report = operations.Report()
    for number in range(1500):
        report.skip(f"{number}")
    assert (report.passed_over, len(report.skipped)) == (1500, 1000)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_spans_two_lots(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done to one is there for everybody before the next is begun."""
    monkeypatch.setattr(operations, "_LOT", 2)
    for _ in range(6):
        make_job("FAILED")
    real, seen = verbs.write_down_many, []

    def look() -> None:
        seen.append(ready())
        connection.close()

    def write_down_many(*args: Any, **how: Any) -> None:
        other = threading.Thread(target=look)
        other.start()
        other.join(20)
        real(*args, **how)

    monkeypatch.setattr(verbs, "write_down_many", write_down_many)
    press(admin_client, choose(admin_client))
    assert seen == [0, 2, 4]
    assert LogEntry.objects.count() == 6


@pytest.mark.django_db(transaction=True)
def test_a_press_that_is_cut_off_has_done_and_written_down_whole_lots(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs are retried with their lines in the log, or neither: the lot at which the process ended is as it was."""
    monkeypatch.setattr(operations, "_LOT", 2)
    jobs = [make_job("FAILED") for _ in range(6)]
    asked = choose(admin_client)
    real, lots = verbs.write_down_many, []

    def write_down_many(user: Any, some: Any, message: str, **how: Any) -> None:
        lots.append(some)
        real(user, some, message, **how)
        if len(lots) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(verbs, "write_down_many", write_down_many)
    with pytest.raises(KeyboardInterrupt):
        press(admin_client, asked)
    assert set(Job.objects.ready().values_list("pk", flat=True)) == {job.pk for job in jobs[:2]}
    assert set(LogEntry.objects.values_list("object_id", flat=True)) == {str(job.pk) for job in jobs[:2]}
    monkeypatch.setattr(verbs, "write_down_many", real)
    press(admin_client, asked)
    assert (ready(), LogEntry.objects.count()) == (6, 6)


@pytest.mark.parametrize("forged", [{"last": "x"}, {"after": "x"}, {"last": ""}])
def test_what_is_no_id_is_refused(admin_client: Client, forged: dict[str, str]) -> None:
    make_job("FAILED")
    context = choose(admin_client).context
    data = {**context["fields"], **forged, "confirmed": "yes"}
    assert admin_client.post(context["action_url"], data).status_code == 400
    assert ready() == 0


def test_when_nothing_matches_there_is_nothing_to_do(admin_client: Client) -> None:
    make_job("SUCCESSFUL")
    page = choose(admin_client, query="")
    assert "There is nothing to do." in page.content.decode()
    assert "There is nothing to do." in press(admin_client, page).content.decode()
