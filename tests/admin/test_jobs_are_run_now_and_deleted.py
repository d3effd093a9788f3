"""Run now and Delete: buttons on the page of a job and actions on the list, confirmed, and in the admin's log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.urls import reverse
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.models import Attempt, Dependency, Job
from tests import rows
from tests.admin.conftest import JOBS, ago, make_attempt, make_job, page_of
from tests.admin.test_retry_and_cancel import press, said
from tests.app.tasks import echo

RUN, FORGET = "admin:jobqueue_job_run", "admin:jobqueue_job_forget"


def delayed():
    return make_job(due_at=ago(-3600))


def buttons(client, job):
    return [press["label"] for press in client.get(page_of(job)).context["presses"]]


def test_a_delayed_job_is_due_now_and_the_log_says_who(admin_client, admin_user):
    job = delayed()
    assert buttons(admin_client, job) == ["Cancel", "Run now", "Copy"]
    answer = press(admin_client, RUN, job)
    assert answer.url == page_of(job)
    assert said(answer) == "1 job is due now."
    assert Job.objects.get().due_at <= timezone.now()
    assert buttons(admin_client, job) == ["Cancel", "Copy"]
    entry = LogEntry.objects.get()
    assert (entry.user, entry.change_message) == (admin_user, "Run now.")


def test_one_that_is_due_is_passed_over_and_it_is_said_why(admin_client):
    answer = press(admin_client, RUN, make_job())
    assert "is due already" in said(answer)
    assert not LogEntry.objects.exists()


def test_a_job_that_has_ended_is_deleted_with_what_belongs_to_it(admin_client):
    job, other = make_job("FAILED"), make_job("FAILED")
    make_attempt(job)
    make_attempt(other)
    assert buttons(admin_client, job) == ["Retry", "Retry later", "Copy", "Delete"]
    answer = press(admin_client, FORGET, job)
    assert answer.url == reverse(JOBS)
    assert said(answer) == "1 job was deleted."
    assert Job.objects.get() == other
    assert Attempt.objects.get().job_id == other.pk
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.action_flag, entry.change_message) == (str(job.pk), DELETION, "Deleted.")


@pytest.mark.parametrize("why", ["waits", "runs", "in doubt", "is waited for"])
def test_one_that_is_still_needed_is_not(admin_client, why):
    job = make_job({"waits": "READY", "runs": "RUNNING"}.get(why, "FAILED"))
    if why == "in doubt":
        Job.objects.update(outcome="in_doubt")
    elif why == "is waited for":
        Dependency.objects.create(job_id=make_job().pk, after_id=job.pk, position=0, on_failure="fail")
    answer = press(admin_client, FORGET, job)
    assert "cannot be deleted" in said(answer)
    assert Job.objects.filter(pk=job.pk).exists()
    assert not LogEntry.objects.exists()


def test_what_was_enqueued_under_a_key_stays_known(admin_client):
    first = echo.using(idempotency_key="k").enqueue(1)
    lifecycle.cancel(rows.job(first.id).pk)
    press(admin_client, FORGET, first.id)
    assert not Job.objects.exists()
    assert echo.using(idempotency_key="k").enqueue(1).id == first.id


@pytest.mark.parametrize(("name", "make"), [("run_selected", delayed), ("forget_selected", lambda: make_job("FAILED"))])
def test_all_that_match_are_done_after_a_confirmation(admin_client, name, make):
    for _ in range(3):
        make()
    make_job("RUNNING")
    fields = {"action": name, "select_across": "1", "_selected_action": str(Job.objects.first().pk)}
    asked = admin_client.post(reverse(JOBS), fields)
    assert asked.context["count"] == 3
    done = admin_client.post(asked.context["action_url"], {**asked.context["fields"], "confirmed": "yes"})
    assert done.status_code == 302
    assert LogEntry.objects.count() == 3
    later = Job.objects.filter(status="READY", due_at__gt=timezone.now() + timedelta(minutes=1))
    assert not later.exists()
    assert not Job.objects.filter(status="FAILED").exists()


@pytest.mark.parametrize(("name", "permission"), [(RUN, "run_job"), (FORGET, "delete_job")])
def test_it_takes_the_permission_for_just_this(staff, name, permission):
    job = delayed() if name == RUN else make_job("FAILED")
    other = {"run_job": "delete_job", "delete_job": "run_job"}[permission]
    client = staff("view_job", other, "retry_job", "cancel_job", "change_job")
    assert press(client, name, job).status_code == 403
    assert {"Run now", "Delete"}.isdisjoint(buttons(client, job))
    assert Job.objects.get().status == job.status


@pytest.mark.parametrize(("name", "permission"), [(RUN, "run_job"), (FORGET, "delete_job")])
def test_and_no_other(staff, name, permission):
    job = delayed() if name == RUN else make_job("FAILED")
    assert press(staff("view_job", permission), name, job).status_code == 302


def test_django_s_own_way_to_delete_is_closed(admin_client):
    job = make_job("FAILED")
    assert admin_client.post(reverse("admin:jobqueue_job_delete", args=[job.pk]), {"post": "yes"}).status_code == 403
    assert Job.objects.exists()
