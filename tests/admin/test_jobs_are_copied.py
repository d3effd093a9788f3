"""Copy: confirmed, with a permission of its own, in the log of both jobs, and it leads to the new one."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from jobqueue.models import Job
from tests.admin.conftest import JOBS, make_job, page_of
from tests.admin.test_retry_and_cancel import press, said

COPY = "admin:jobqueue_job_copy"


def test_a_copy_is_made_after_a_confirmation_and_is_linked(admin_client, admin_user):
    job = make_job("SUCCESSFUL", queue="mail", priority=3)
    asked = admin_client.post(reverse(COPY), {"ids": str(job.pk)})
    assert "its effects" in asked.text
    assert Job.objects.count() == 1
    done = admin_client.post(asked.context["action_url"], {**asked.context["fields"], "confirmed": "yes"})
    made = Job.objects.exclude(pk=job.pk).get()
    assert (made.arguments, made.queue, made.priority, made.status) == (job.arguments, "mail", 3, "READY")
    assert done.url == page_of(job)
    assert said(done) == f'1 job was copied. New: <a href="{page_of(made)}">{made.pk}</a>'
    log = {it.object_id: it.change_message for it in LogEntry.objects.filter(user=admin_user)}
    assert log == {str(job.pk): f"Copied as job {made.pk}.", str(made.pk): f"A copy of job {job.pk}."}


def test_what_cannot_be_is_skipped_and_it_is_said_why(admin_client):
    good, gone = make_job("FAILED"), make_job("FAILED", task="gone.tasks.old")
    text = said(press(admin_client, COPY, good, gone, back="list"))
    assert "1 job was copied." in text
    assert f"Skipped 1: Job {gone.pk} cannot be copied: no task" in text
    assert Job.objects.count() == 3
    assert not LogEntry.objects.filter(object_id=str(gone.pk)).exists()


def test_a_form_that_is_sent_twice_copies_once(admin_client):
    job = make_job("FAILED")
    asked = admin_client.post(reverse(COPY), {"ids": str(job.pk)})
    for _ in range(2):
        done = admin_client.post(asked.context["action_url"], {**asked.context["fields"], "confirmed": "yes"})
    assert Job.objects.count() == 2
    assert "This form was sent before, and was not acted on again." in said(done)
    press(admin_client, COPY, job)
    assert Job.objects.count() == 3


def test_nor_does_a_page_that_is_loaded_again_go_on_with_the_same_jobs(admin_client):
    make_job("FAILED")
    fields = {"action": "copy_selected", "select_across": "1", "_selected_action": str(Job.objects.first().pk)}
    asked = admin_client.post(reverse(JOBS), fields)
    for _ in range(2):
        admin_client.post(asked.context["action_url"], {**asked.context["fields"], "confirmed": "yes"})
    assert Job.objects.count() == 2


def test_all_that_match_are_copied_once_and_not_their_copies(admin_client):
    for _ in range(3):
        make_job("FAILED")
    fields = {"action": "copy_selected", "select_across": "1", "_selected_action": str(Job.objects.first().pk)}
    asked = admin_client.post(reverse(JOBS), fields)
    assert asked.context["count"] == 3
    done = admin_client.post(asked.context["action_url"], {**asked.context["fields"], "confirmed": "yes"})
    assert done.status_code == 302
    assert Job.objects.count() == 6
    assert LogEntry.objects.count() == 6


def test_it_takes_the_permission_for_just_this(staff):
    job = make_job("FAILED")
    client = staff("view_job", "retry_job", "cancel_job", "run_job", "delete_job", "change_job", "add_job")
    assert press(client, COPY, job).status_code == 403
    assert "Copy" not in [press["label"] for press in client.get(page_of(job)).context["presses"]]
    assert Job.objects.count() == 1


def test_and_no_other(staff):
    assert press(staff("view_job", "copy_job"), COPY, make_job("FAILED")).status_code == 302
    assert Job.objects.count() == 2


@pytest.mark.parametrize("method", ["get", "put"])
def test_a_look_copies_nothing(admin_client, method):
    fields = {"ids": str(make_job().pk), "confirmed": "yes"}
    assert getattr(admin_client, method)(reverse(COPY), fields).status_code == 405
    assert Job.objects.count() == 1
