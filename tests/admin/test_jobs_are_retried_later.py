"""Retry later: whoever presses says when, as a delay or a time; what is no moment is asked for again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from jobqueue import operations
from jobqueue.admin import stretches
from jobqueue.models import Job
from tests.admin.conftest import JOBS, make_job, page_of
from tests.admin.test_retry_and_cancel import press, said

LATER = "admin:jobqueue_job_retry_at"


def due_in(job):
    return (Job.objects.get(pk=job.pk).due_at - timezone.now()).total_seconds()


def test_the_page_asks_when_and_says_in_which_time_zone(admin_client):
    job = make_job("FAILED")
    asked = admin_client.post(reverse(LATER), {"ids": str(job.pk)})
    assert 'name="at"' in asked.text
    assert f"in {timezone.get_current_timezone_name()}." in asked.text
    assert Job.objects.get().status == "FAILED"
    answer = admin_client.post(asked.context["action_url"], {**asked.context["fields"], "confirmed": "y", "at": "2h"})
    assert answer.url == page_of(job)
    assert said(answer) == "1 job will be retried then."
    assert Job.objects.get().status == "READY"
    assert 7100 < due_in(job) < 7300
    assert LogEntry.objects.get().change_message.startswith("Retried, to be attempted at 20")


def test_a_time_is_read_in_the_current_zone(admin_client):
    job, local = make_job("FAILED"), timezone.localtime() + timedelta(hours=3)
    press(admin_client, LATER, job, at=f"{local:%Y-%m-%d %H:%M}")
    assert 10_700 < due_in(job) <= 10_800


@pytest.mark.parametrize("at", ["", "soon", "-2h", "2020-01-01 10:00", "400d", "<q>\u202e", "9" * 5000])
def test_what_is_no_moment_is_asked_for_again_with_the_reason(admin_client, at):
    job = make_job("FAILED")
    answer = press(admin_client, LATER, job, at=at)
    assert answer.status_code == 200
    assert 'class="errornote"' in answer.text
    assert "<q>" not in answer.text
    assert "\u202e" not in answer.text
    assert Job.objects.get().status == "FAILED"
    assert not LogEntry.objects.exists()


def all_failed(client):
    fields = {"action": "retry_at_selected", "select_across": "1", "_selected_action": str(Job.objects.first().pk)}
    return client.post(f"{reverse(JOBS)}?status=FAILED", fields)


def confirm(client, asked, at):
    return client.post(asked.context["action_url"], {**asked.context["fields"], "confirmed": "yes", "at": at})


def test_all_that_match_are_due_at_one_moment_however_many_presses_it_takes(admin_client, monkeypatch):
    monkeypatch.setattr(stretches, "SECONDS", 0.0)
    monkeypatch.setattr(operations, "_LOT", 1)
    jobs = [make_job("FAILED") for _ in range(2)]
    asked = confirm(admin_client, all_failed(admin_client), "1h")
    assert asked.context["count"] == 1
    first = next(job for job in (Job.objects.get(pk=it.pk) for it in jobs) if job.status == "READY")
    assert asked.context["at"] == timezone.localtime(first.due_at).isoformat(" ", "seconds")
    assert confirm(admin_client, asked, asked.context["at"]).status_code == 302
    due = Job.objects.ready().values_list("due_at", flat=True)
    assert len(due) == 2
    assert max(due) - min(due) < timedelta(seconds=1)


def test_all_that_match_wait_for_a_moment_that_is_one(admin_client):
    make_job("FAILED")
    asked = confirm(admin_client, all_failed(admin_client), "soon")
    assert "no moment" in asked.text
    assert confirm(admin_client, asked, "1h").status_code == 302
    assert Job.objects.get().status == "READY"


def test_it_takes_the_permission_to_retry(staff):
    job = make_job("FAILED")
    assert press(staff("view_job", "cancel_job", "run_job", "copy_job"), LATER, job, at="1h").status_code == 403
    assert Job.objects.get().status == "FAILED"


def test_and_no_other(staff):
    assert press(staff("view_job", "retry_job"), LATER, make_job("FAILED"), at="1h").status_code == 302
    assert Job.objects.get().status == "READY"
