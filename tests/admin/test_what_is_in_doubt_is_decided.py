"""The page of a job in doubt says so, and leads to a page with two answers; whoever gives one is in the log."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobqueue.ledger import checkpoint_scope, delivery_scope, step_scope
from jobqueue.models import Job, LedgerEntry
from tests.admin.conftest import JOBS, make_job, page_of


def entry_of(job: Job, value: Any = None, *, scope: str = "", key: str = "charge") -> LedgerEntry:
    """Create an entry of the ledger; without more, an intent."""
    return LedgerEntry.objects.create(
        scope=scope or delivery_scope(job.pk), key=key, job_id=job.pk, attempt=1, value=value, created_at=timezone.now()
    )


@pytest.fixture
def job(db: None) -> Job:
    """Give a job in doubt."""
    return make_job("FAILED", outcome="in_doubt")


@pytest.fixture
def entry(job: Job) -> LedgerEntry:
    """Give what is in doubt of it."""
    return entry_of(job)


def address(entry: Any) -> str:
    return reverse("admin:jobqueue_job_decide", args=[getattr(entry, "pk", entry)])


def status_of(job: Job) -> tuple[str, str]:
    return Job.objects.values_list("status", "outcome").get(pk=job.pk)


def said(response: Any) -> str:
    return " ".join(map(str, get_messages(response.wsgi_request)))


def test_the_page_of_the_job_says_so_and_leads_there(admin_client: Client, job: Job, entry: LedgerEntry) -> None:
    response = admin_client.get(page_of(job))
    text = response.content.decode()
    assert "is in doubt: find out, and decide below" in text
    assert address(entry) in text
    assert f"{job.pk}:charge" in text
    # A retry would be refused.
    assert response.context["presses"] == []
    page = admin_client.get(address(entry)).content.decode()
    for part in ("charge", f"{job.pk}:charge", "It was done", "do it again"):
        assert part in page
    assert status_of(job) == ("FAILED", "in_doubt")


def test_it_was_done(admin_client: Client, admin_user: Any, job: Job, entry: LedgerEntry) -> None:
    response = admin_client.post(address(entry), {"answer": "done", "receipt": '{"id": "ch_1"}'})
    assert (response.status_code, response.url) == (302, page_of(job))
    assert status_of(job) == ("READY", "")
    entry.refresh_from_db()
    assert entry.value == {"receipt": {"id": "ch_1"}, "by": "admin"}
    logged = LogEntry.objects.get()
    assert (logged.object_id, logged.user) == (str(job.pk), admin_user)
    assert logged.change_message == said(response) == "Decided that charge was done."
    assert "(so said admin)" in admin_client.get(page_of(job)).content.decode()


def test_it_was_not(admin_client: Client, job: Job, entry: LedgerEntry) -> None:
    response = admin_client.post(address(entry), {"answer": "again", "receipt": ""})
    assert status_of(job) == ("READY", "")
    assert not LedgerEntry.objects.exists()
    assert LogEntry.objects.get().change_message == said(response) == "Decided that charge is done again."


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"answer": "perhaps"},
        {"answer": "done", "receipt": "ch_1"},
        {"answer": "done", "receipt": "[" * 5000},
        {"answer": "done", "receipt": "NaN"},
        {"answer": "done", "receipt": '"' + "x" * 300_000 + '"'},
    ],
)
def test_no_answer_changes_nothing(admin_client: Client, job: Job, entry: LedgerEntry, data: dict[str, str]) -> None:
    response = admin_client.post(address(entry), data)
    assert response.status_code == 200
    assert status_of(job) == ("FAILED", "in_doubt")
    assert not LogEntry.objects.exists()


def test_whoever_comes_late_is_told(admin_client: Client, job: Job, entry: LedgerEntry) -> None:
    Job.objects.update(status="READY")
    response = admin_client.post(address(entry), {"answer": "again"})
    assert "is not FAILED" in said(response)
    assert LedgerEntry.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("permissions", [["view_job", "retry_job", "cancel_job"], ["decide_job"], []])
def test_nobody_decides_without_the_permission(
    staff: Callable[..., Client], job: Job, entry: LedgerEntry, permissions: list[str]
) -> None:
    client = staff(*permissions)
    assert client.get(address(entry)).status_code == 403
    assert client.post(address(entry), {"answer": "again"}).status_code == 403
    assert status_of(job) == ("FAILED", "in_doubt")
    if "view_job" in permissions:
        assert address(entry) not in client.get(page_of(job)).content.decode()


def test_the_permission_is_enough(staff: Callable[..., Client], job: Job, entry: LedgerEntry) -> None:
    client = staff("view_job", "decide_job")
    assert address(entry) in client.get(page_of(job)).content.decode()
    assert client.post(address(entry), {"answer": "again"}).status_code == 302
    assert status_of(job) == ("READY", "")


def test_a_forged_request_decides_nothing(admin_user: Any, job: Job, entry: LedgerEntry) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(address(entry), {"answer": "again"}).status_code == 403
    assert status_of(job) == ("FAILED", "in_doubt")


def test_nothing_but_a_delivery_of_a_job_is_decided(admin_client: Client, job: Job) -> None:
    others = [
        entry_of(job, scope=step_scope(job.pk)),
        entry_of(Job(pk=uuid.uuid4())),
        entry_of(job, value=[1], key="odd"),
        2**63,
    ]
    for other in others:
        assert admin_client.post(address(other), {"answer": "again"}).status_code == 404
    assert status_of(job) == ("FAILED", "in_doubt")


def test_the_page_says_when_the_job_goes_on(admin_client: Client, job: Job, entry: LedgerEntry) -> None:
    assert "the job goes on at once" in admin_client.get(address(entry)).content.decode()
    entry_of(job, key="mail")
    text = admin_client.get(address(entry)).content.decode()
    assert "One more delivery of this job is to be decided: it goes on after that" in text
    assert "the job goes on at once" not in text


def test_the_action_of_the_list_passes_it_over(admin_client: Client, job: Job, entry: LedgerEntry) -> None:
    data = {"action": "retry_selected", "index": "0", "_selected_action": str(job.pk)}
    assert admin_client.post(reverse(JOBS), data).context["passed_over"] == 1
    across = admin_client.post(reverse(JOBS), data | {"select_across": "1"})
    assert across.context["count"] == 0


def test_deliveries_and_checkpoints_are_shown(admin_client: Client) -> None:
    job = make_job("RUNNING")
    entry_of(job, key="under way")
    entry_of(job, {"receipt": {"password": "hunter2-hunter2", "id": "ch_7"}}, key="done")
    entry_of(job, {"lookup": True}, key="asked")
    entry_of(job, {"row": 4711}, scope=checkpoint_scope(job.pk), key="state")
    response = admin_client.get(page_of(job))
    page = response.context["page"]
    assert [it["state"] for it in page["deliveries"]] == ["under way", "done", "under way"]
    assert [it["decide_url"] for it in page["deliveries"]] == [None] * 3
    receipts = [it["value"] for it in page["deliveries"]]
    assert (receipts[0], receipts[2]) == (None, None)
    assert "receipt" not in receipts[1]
    text = response.content.decode()
    assert "ch_7" in text
    assert "4711" in text
    assert "hunter2" not in text


def test_what_the_task_can_ask_is_decided_by_who_wants_to(admin_client: Client) -> None:
    job = make_job("FAILED")
    entry = entry_of(job, {"lookup": True})
    response = admin_client.get(page_of(job))
    assert response.context["page"]["deliveries"][0]["state"] == "unknown; the next attempt asks"
    assert "has a lookup" in admin_client.get(address(entry)).content.decode()
    admin_client.post(address(entry), {"answer": "done"})
    assert status_of(job) == ("READY", "")


def test_hostile_names_stay_texts(admin_client: Client, job: Job) -> None:
    entry = entry_of(job, key="<script>alert(1)</script>\u202e")
    for url in (page_of(job), address(entry)):
        text = admin_client.get(url).content.decode()
        assert "<script>alert" not in text
        assert "\u202e" not in text
