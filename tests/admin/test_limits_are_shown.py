"""What waits for its limit says so, with how many run under its key and how many may."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobqueue import task
from jobqueue.models import Limit
from tests.admin.conftest import JOBS, make_job, page_of
from tests.app import limited_tasks as limited

LIMITS = "admin:jobqueue_limit_changelist"


def make(status: str = "READY", **columns: Any) -> Any:
    return make_job(status, task=limited.paint.module_path, gate="limit", limit_key=":printer", **columns)


@pytest.fixture
def limit(db: None) -> Limit:
    return Limit.objects.create(name=":printer", used_at=timezone.now())


def test_the_page_of_a_job_tells_how_it_stands_with_its_limit(admin_client: Client) -> None:
    make("RUNNING")
    make("RUNNING")
    job = make()
    html = admin_client.get(page_of(job)).content.decode()
    assert "waits for its limit" in html
    assert ":printer" in html
    # A task of the tests shares the key and says 3: the strictest counts.
    assert "2 running; allowed: 2 at once" in html


def test_a_job_that_has_passed_its_gate_waits_for_nothing(admin_client: Client) -> None:
    assert "waits for its limit" not in admin_client.get(page_of(make("RUNNING"))).content.decode()


def test_jobs_are_found_by_what_they_wait_for_and_by_their_key(admin_client: Client) -> None:
    waiting, running, other = make(), make("RUNNING"), make_job()

    def listed(**parameters: Any) -> set[Any]:
        return {row.pk for row in admin_client.get(reverse(JOBS), parameters).context["cl"].result_list}

    assert listed(gate="limit") == {waiting.pk}
    assert listed(limit_key=":printer") == {waiting.pk, running.pk}
    assert listed(limit_key=":printer", status="READY") == {waiting.pk}
    assert other.pk in listed()


def test_keys_are_listed_with_what_runs_and_what_waits(admin_client: Client, limit: Limit) -> None:
    make("RUNNING")
    for _ in range(3):
        make()
    html = admin_client.get(reverse(LIMITS)).content.decode()
    assert '<td class="field-running">1</td><td class="field-allowed">2 at once</td>' in html
    assert "limit_key=%3Aprinter" in html
    html = admin_client.get(reverse("admin:jobqueue_limit_change", args=[limit.pk])).content.decode()
    assert "waiting" in html
    assert ">3<" in html


@pytest.mark.parametrize(("key", "ahead", "told"), [
    (limited.call_hourly.module_path, 1800, True),
    # Nobody waits for these: the rate was slower when the turn was taken, or there is none any more.
    (limited.call_hourly.module_path, 10_000, False),
    (":printer", 1800, False),
    ("gone.task", 1800, False),
])  # fmt: skip
def test_the_next_turn_is_told_where_jobs_wait_for_it(
    admin_client: Client, db: None, key: str, ahead: float, told: bool
) -> None:
    now = timezone.now()
    Limit.objects.create(name=key, used_at=now, next_at=now + timedelta(seconds=ahead))
    html = admin_client.get(reverse(LIMITS)).content.decode()
    assert ('<td class="field-next_turn">–</td>' not in html) is told


def test_a_web_process_looks_for_the_tasks_that_limit(
    admin_client: Client, limit: Limit, nothing_discovered: Callable[..., None]
) -> None:
    found = dict(task._registry)
    nothing_discovered(finds=lambda: task._registry.update(found))
    task._registry.clear()
    assert "2 at once" in admin_client.get(reverse(LIMITS)).content.decode()


def test_keys_are_found_by_their_beginning(admin_client: Client, limit: Limit) -> None:
    assert [row.pk for row in admin_client.get(reverse(LIMITS), {"q": ":pri"}).context["cl"].result_list] == [limit.pk]
    assert not admin_client.get(reverse(LIMITS), {"q": "inter"}).context["cl"].result_list


def test_the_list_of_keys_costs_the_same_for_many(admin_client: Client, django_assert_max_num_queries: Any) -> None:
    Limit.objects.bulk_create([Limit(name=f":k{number}", used_at=timezone.now()) for number in range(40)])
    with django_assert_max_num_queries(6):
        admin_client.get(reverse(LIMITS))


def test_the_command_tells_it_too(db: None, capsys: Any) -> None:
    make("RUNNING")
    job = make()
    call_command("jobs", "show", str(job.pk))
    told = capsys.readouterr().out
    assert "waits for its limit" in told
    assert ":printer (1 running, 2 at once)" in told
    call_command("jobs", "show", str(job.pk), "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["gate"], found["limit"]) == ("limit", {"key": ":printer", "running": 1, "allowed": "2 at once"})
