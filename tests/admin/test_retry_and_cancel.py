from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.tasks import task_backends
from django.test import Client
from django.urls import reverse

from jobqueue.leases import wake_of
from jobqueue.models import Attempt, Job
from tests import rows
from tests.admin.conftest import JOBS, make_attempt, make_job, page_of

RETRY, CANCEL = "admin:jobqueue_job_retry", "admin:jobqueue_job_cancel"


def press(client: Client, name: str, *jobs: Any, **data: str) -> Any:
    """Press a button and confirm."""
    ids = ",".join(str(getattr(job, "pk", job)) for job in jobs)
    return client.post(reverse(name), {"ids": ids, "confirmed": "yes", **data})


def said(response: Any) -> str:
    """Return what the user is told after it."""
    return " ".join(map(str, get_messages(response.wsgi_request)))


def status_of(job: Job) -> tuple[str, str]:
    return Job.objects.values_list("status", "outcome").get(pk=job.pk)


def test_a_retried_job_is_ready_again_and_the_log_says_who(admin_client: Client, admin_user: Any) -> None:
    job = make_job("FAILED", failures=3)
    response = press(admin_client, RETRY, job)
    assert response.url == page_of(job)
    assert status_of(job) == ("READY", "")
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.user, entry.change_message) == (str(job.pk), admin_user, "Retried.")
    assert said(response) == "1 job was retried."


@pytest.mark.django_db(transaction=True)
def test_a_retry_wakes_a_worker(admin_client: Client) -> None:
    wake = wake_of(task_backends["default"].settings)
    while wake.await_hint(["default"]):
        pass
    press(admin_client, RETRY, make_job("FAILED"))
    assert wake.await_hint(["default"])


def test_a_running_job_is_cancelled_as_by_any_other_hand(admin_client: Client) -> None:
    job = make_job("RUNNING")
    make_attempt(job)
    response = press(admin_client, CANCEL, job)
    assert status_of(job) == ("FAILED", "cancelled")
    attempt = Attempt.objects.get()
    assert attempt.outcome == "cancelled"
    assert "by admin" in attempt.traceback
    assert LogEntry.objects.get().change_message == "Cancelled while w-1 was running it."
    assert said(response) == "1 job was cancelled."


@pytest.mark.django_db(transaction=True)
def test_what_becomes_of_those_that_wait_for_a_cancelled_job_is_told(admin_client: Client) -> None:
    first = rows.enqueue()
    for how in ("cancel", "fail", "run"):
        rows.enqueue(after=[first], on_failure=how)
    text = said(press(admin_client, CANCEL, first))
    assert text == "1 job was cancelled. 2 jobs that waited have ended, too. 1 job that waited may begin now."


def test_what_was_done_and_what_not_is_told_with_reasons(admin_client: Client) -> None:
    failed, successful, missing = make_job("FAILED"), make_job("SUCCESSFUL"), uuid.uuid4()
    response = press(admin_client, RETRY, failed, successful, missing, back="list")
    assert response.url == reverse(JOBS)
    text = said(response)
    assert "1 job was retried." in text
    assert f"Skipped 2: Job {successful.pk} is not FAILED" in text
    assert str(missing) in text
    assert status_of(successful) == ("SUCCESSFUL", "ok")
    assert LogEntry.objects.count() == 1


def test_nothing_is_done_before_it_is_confirmed(admin_client: Client) -> None:
    job = make_job("FAILED")
    response = admin_client.post(reverse(RETRY), {"ids": str(job.pk)})
    assert str(job.pk) in response.content.decode()
    assert status_of(job) == ("FAILED", "raised")


def test_a_look_presses_nothing(admin_client: Client) -> None:
    assert admin_client.get(reverse(RETRY), {"ids": str(make_job("FAILED").pk), "confirmed": "yes"}).status_code == 405


def test_a_forged_request_presses_nothing() -> None:
    response = Client(enforce_csrf_checks=True).post(reverse(RETRY), {"ids": "", "confirmed": "yes"})
    assert response.status_code in (302, 403)


@pytest.mark.parametrize("ids", ["nonsense", "1", ",".join(str(uuid.uuid4()) for _ in range(1001))])
def test_what_is_no_list_of_jobs_is_refused(admin_client: Client, ids: str) -> None:
    assert admin_client.post(reverse(RETRY), {"ids": ids, "confirmed": "yes"}).status_code == 400


@pytest.mark.parametrize(("name", "permission"), [(RETRY, "retry_job"), (CANCEL, "cancel_job")])
def test_each_verb_asks_for_its_own_permission(staff: Callable[..., Client], name: str, permission: str) -> None:
    other = {"retry_job": "cancel_job", "cancel_job": "retry_job"}[permission]
    client = staff("view_job", other)
    job = make_job("FAILED" if name == RETRY else "READY")
    assert press(client, name, job).status_code == 403
    assert status_of(job) == (job.status, job.outcome)
    assert not LogEntry.objects.exists()


def test_the_permission_is_enough(staff: Callable[..., Client]) -> None:
    job = make_job("FAILED")
    assert press(staff("view_job", "retry_job"), RETRY, job).status_code == 302
    assert status_of(job) == ("READY", "")


def test_ticked_jobs_are_named_and_then_done(admin_client: Client) -> None:
    jobs = [make_job("FAILED"), make_job("FAILED"), make_job("SUCCESSFUL")]
    data = {"action": "retry_selected", "index": "0", "_selected_action": [str(job.pk) for job in jobs]}
    response = admin_client.post(f"{reverse(JOBS)}?queue=default", data)
    context = response.context
    assert (context["count"], context["passed_over"]) == (2, 1)
    assert context["back_url"] == f"{reverse(JOBS)}?queue=default"
    confirmed = admin_client.post(context["action_url"], {**context["fields"], "confirmed": "yes"})
    assert confirmed.url == f"{reverse(JOBS)}?queue=default"
    assert [status_of(job)[0] for job in jobs] == ["READY", "READY", "SUCCESSFUL"]


def test_a_job_that_left_its_filter_meanwhile_is_not_forgotten(admin_client: Client) -> None:
    job = make_job("FAILED")
    data = {"action": "retry_selected", "index": "0", "_selected_action": str(job.pk)}
    Job.objects.update(status="SUCCESSFUL")
    response = admin_client.post(f"{reverse(JOBS)}?status=FAILED", data)
    assert response.context["passed_over"] == 1


@pytest.mark.parametrize(
    ("status", "buttons"),
    [
        ("READY", ["cancel", "copy"]),
        ("RUNNING", ["cancel", "copy"]),
        ("SUCCESSFUL", ["copy", "forget"]),
        ("FAILED", ["retry", "retry_at", "copy", "forget"]),
    ],
)
def test_the_page_of_a_job_has_the_buttons_that_fit(admin_client: Client, status: str, buttons: list[str]) -> None:
    response = admin_client.get(page_of(make_job(status)))
    assert [press["verb"].name for press in response.context["presses"]] == buttons


def test_a_job_of_a_backend_that_is_no_more_can_be_retried(admin_client: Client) -> None:
    job = make_job("FAILED", backend="abandoned")
    assert press(admin_client, RETRY, job).status_code == 302
    assert status_of(job) == ("READY", "")
