from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from jobqueue.ledger import enqueue_scope
from jobqueue.models import Job, LedgerEntry, Tag
from tests.admin.conftest import JOBS, ago, make_definition, make_job, make_worker, page_of
from tests.app import tasks


def found(client: Client, **query: Any) -> set[Any]:
    """Return the ids of the jobs on the page for these parameters."""
    return {job.pk for job in client.get(reverse(JOBS), query).context["cl"].result_list}


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ({"status": "RUNNING"}, {"status": "RUNNING"}),
        ({"outcome": "crashed"}, {"status": "FAILED", "outcome": "crashed"}),
        ({"queue": "mail"}, {"queue": "mail"}),
        ({"task": tasks.add.module_path}, {"task": tasks.add.module_path}),
        ({"backend": "plain"}, {"backend": "plain"}),
        ({"worker_id": "w-7"}, {"status": "RUNNING", "worker_id": "w-7"}),
        ({"unknown": "1"}, {"task": "gone.tasks.old"}),
        ({"q": "ADD"}, {"task": tasks.add.module_path}),
        ({"q": "gone.tasks.old"}, {"task": "gone.tasks.old"}),
    ],
)
def test_filters_and_search_find_just_what_was_asked_for(
    admin_client: Client, query: dict[str, str], columns: dict[str, str]
) -> None:
    make_job()
    wanted = make_job(**columns)
    assert found(admin_client, **query) == {wanted.pk}


def test_jobs_are_found_by_a_tag_and_tell_theirs(admin_client: Client) -> None:
    make_job()
    wanted, other = make_job(), make_job()
    for job, name in ((wanted, "eu"), (wanted, "<b>billing"), (other, "EU")):
        Tag.objects.create(job_id=job.pk, name=name)
    assert found(admin_client, tag="eu") == {wanted.pk}
    assert found(admin_client, tag="none") == set()
    assert found(admin_client, tag="eu", status="FAILED") == set()
    page = admin_client.get(page_of(wanted)).content.decode()
    assert '<a href="/admin/jobqueue/job/?tag=eu">eu</a>' in page
    for html in (page, admin_client.get(reverse(JOBS)).content.decode()):
        assert "&lt;b&gt;billing" in html
        assert "<b>billing" not in html


def test_a_job_is_found_by_its_id_in_either_form(admin_client: Client) -> None:
    make_job()
    wanted = make_job()
    assert found(admin_client, q=str(wanted.pk)) == {wanted.pk}
    assert found(admin_client, q=f" {wanted.pk.hex} ") == {wanted.pk}


def test_a_job_is_found_by_its_idempotency_key(admin_client: Client) -> None:
    make_job()
    wanted = make_job(idempotency_key="order-42")
    scope = enqueue_scope(wanted.task_path)
    LedgerEntry.objects.create(scope=scope, key="order-42", job_id=wanted.pk, created_at=ago(1))
    assert found(admin_client, q="order-42") == {wanted.pk}


def test_a_finished_job_waits_for_no_task(admin_client: Client) -> None:
    make_job("SUCCESSFUL", task="gone.tasks.old")
    assert found(admin_client, unknown="1") == set()


def test_a_worker_leads_to_what_it_runs(admin_client: Client) -> None:
    wanted = make_job("RUNNING", worker_id="w-9")
    make_job("RUNNING")
    make_job("FAILED", worker_id="w-9")
    assert found(admin_client, status="RUNNING", worker_id="w-9") == {wanted.pk}


def test_choices_are_those_that_are_known_and_the_one_in_use(admin_client: Client) -> None:
    make_definition("app.tasks.declared", queue="declared")
    response = admin_client.get(reverse(JOBS), {"queue": "from-a-link"})
    choices = {spec.parameter_name: dict(spec.lookup_choices) for spec in response.context["cl"].filter_specs}
    assert set(choices["queue"]) == {"default", "mail", "declared", "from-a-link"}
    assert {"app.tasks.declared", tasks.echo.module_path} <= set(choices["task"])


def test_what_is_no_filter_leads_back_to_the_list(admin_client: Client) -> None:
    assert Job.objects.count() == 0
    assert admin_client.get(reverse(JOBS), {"nonsense": "1"}).url == f"{reverse(JOBS)}?e=1"


@pytest.mark.django_db
def test_how_often_the_list_is_refreshed_is_no_filter_of_it_and_stays_in_its_links(admin_client):
    make_job("FAILED")
    page = admin_client.get(reverse(JOBS), {"refresh": "2"})
    assert len(page.context["cl"].result_list) == 1
    assert not page.context["cl"].has_active_filters
    assert "?refresh=2&amp;status=RUNNING" in page.content.decode()
    assert admin_client.get(reverse(JOBS), {"refreshed": "2"}).status_code == 302


@pytest.mark.django_db
def test_jobs_are_found_by_when_they_were_enqueued(admin_client):
    def enqueued(hours):
        return make_job(id=UUID(int=int((time.time() - hours * 3600) * 1000) << 80 | 0x7000 << 64 | 1)).pk

    jobs = [enqueued(hours) for hours in (0.5, 3, 50, 400)]
    for since, number in (("hour", 1), ("day", 2), ("week", 3), ("century", 4)):
        assert found(admin_client, since=since) == set(jobs[:number])


@pytest.mark.django_db
def test_workers_that_are_there_can_be_chosen_as_owners(admin_client):
    make_worker("w-here")
    make_worker("w-gone", stopped_at=ago(1))
    make_job("RUNNING", worker_id="w-here")
    specs = admin_client.get(reverse(JOBS)).context["cl"].filter_specs
    filters = {it.parameter_name: it for it in specs if hasattr(it, "parameter_name")}
    assert [value for value, _ in filters["worker_id"].lookup_choices] == ["w-here"]
