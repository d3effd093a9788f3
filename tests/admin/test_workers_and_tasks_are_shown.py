from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobqueue.models import TaskDefinition
from tests.admin.conftest import JOBS, ago, make_definition, make_job, make_worker, page_of
from tests.app import tasks

WORKERS = "admin:jobqueue_worker_changelist"


@pytest.mark.parametrize(
    ("state", "columns"), [("alive", {}), ("dead", {"beat": 31}), ("stopped", {"beat": 31, "stopped_at": ago(31)})]
)
def test_a_worker_is_alive_dead_or_stopped(admin_client: Client, state: str, columns: dict[str, Any]) -> None:
    worker = make_worker(**columns)
    for other in {"alive", "dead", "stopped"}:
        listed = admin_client.get(reverse(WORKERS), {"state": other}).context["cl"].result_list
        assert [row.pk for row in listed] == ([worker.pk] if other == state else [])
    assert f"jq-state jq-{state}" in admin_client.get(page_of(worker)).content.decode()


def test_a_worker_shows_what_it_runs(admin_client: Client) -> None:
    job = make_job("RUNNING")
    worker = make_worker(executors=[{"pid": 4711, "job": str(job.pk)}, {"pid": 4712, "job": None}])
    assert ">1 / 4</a>" in admin_client.get(reverse(WORKERS)).content.decode()
    html = admin_client.get(page_of(worker)).content.decode()
    assert html.count(page_of(job)) == 2
    assert "4711" in html
    assert "<td>idle</td>" in html


def test_the_overview_counts_what_waits_runs_and_failed(admin_client: Client) -> None:
    make_worker()
    make_worker("w-dead", beat=100)
    for status, count in (("READY", 3), ("RUNNING", 2), ("FAILED", 1), ("SUCCESSFUL", 4)):
        for _ in range(count):
            make_job(status)
    overview = admin_client.get(reverse(JOBS)).context["overview"]
    assert [item["count"] for item in overview] == [3, 2, 1, 1]


def test_a_definition_says_when_this_process_lacks_the_task(admin_client: Client) -> None:
    for path in (tasks.echo.module_path, "gone.tasks.old"):
        make_definition(path, timeout=90)
    html = admin_client.get(reverse("admin:jobqueue_taskdefinition_changelist")).content.decode()
    assert html.count("unknown here") == 1
    assert "1\N{NO-BREAK SPACE}min 30\N{NO-BREAK SPACE}s" in html
    assert admin_client.get(page_of(TaskDefinition.objects.first())).status_code == 200


def test_pages_have_no_script_or_style_of_their_own(admin_client: Client) -> None:
    job = make_job("FAILED")
    for page in (reverse(JOBS), page_of(job), page_of(make_worker())):
        html = admin_client.get(page).content.decode()
        assert "<style" not in html
        assert " style=" not in html
        assert " onclick=" not in html
        assert all("src=" in tag for tag in html.split("<script")[1:] if not tag.startswith(' id="django-admin'))
