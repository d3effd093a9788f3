"""The page renders whatever state there is, and its figures are those of the work that was committed."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from django.db.models import F
from django.tasks import TaskResultStatus
from django.test import Client
from django.urls import reverse

from jobqueue.database import DatabaseNow
from jobqueue.fence import Fence
from jobqueue.ledger import record_step
from jobqueue.models import Attempt, Job, Outcome, Worker
from project.counters.figures import figures
from project.counters.models import Counter
from project.counters.tasks import STEPS, add_one, count_slowly

pytestmark = pytest.mark.django_db


def _page(client: Client, name: str = "counters:index") -> str:
    response = client.get(reverse(name))
    assert response.status_code == 200
    return response.content.decode()


def test_a_new_site_has_a_page(client: Client) -> None:
    page = _page(client)

    assert "No worker is alive" in page
    assert "Right: nothing is missing" in page


def test_no_page_has_scripts_or_styles_in_it(client: Client) -> None:
    page = _page(client)

    assert page.count("<script") == 1
    assert "live.js" in page
    assert "<style" not in page
    assert "style=" not in page


def test_figures_are_those_of_finished_work(counter: Counter) -> None:
    Job.objects.filter(pk=add_one.enqueue(counter.pk).id).update(status=TaskResultStatus.SUCCESSFUL)
    Job.objects.filter(pk=add_one.enqueue(counter.pk).id).update(status=TaskResultStatus.FAILED)
    add_one.enqueue(counter.pk)
    slow = UUID(count_slowly.enqueue(counter.pk).id)
    for number in (1, 2):
        record_step(Fence(slow, 1, slow), f"add {number}", "1")
    Counter.objects.update(value=3)

    assert figures() == (3, 3, 1 + 1 + STEPS)
    assert figures().is_right
    assert figures().to_come == 1 + STEPS - 2


def test_a_second_write_of_one_job_is_seen(client: Client, counter: Counter) -> None:
    Job.objects.filter(pk=add_one.enqueue(counter.pk).id).update(status=TaskResultStatus.SUCCESSFUL)
    for _ in range(2):
        Counter.objects.update(value=F("value") + 1)

    assert not figures().is_right
    assert "Wrong: a write is missing or happened twice." in _page(client, "counters:live")


def test_a_running_job_has_its_owner_and_its_earlier_attempts(
    client: Client, make_worker: Callable[..., Worker], run_by: Callable[..., UUID], settings
) -> None:
    settings.DEBUG = True
    worker = make_worker(id="demo-7-0a1b2c3d", name="demo-7", pid=4711)
    job_id = run_by(worker)
    Job.objects.filter(pk=job_id).update(attempt=2)
    token = Job.objects.get(pk=job_id).token
    Attempt.objects.create(job_id=job_id, number=1, token=job_id, worker_id="demo-6-00000000", outcome=Outcome.LOST)
    Attempt.objects.create(
        job_id=job_id, number=2, token=token, renewals=9, pid=99, progress={"done": 3, "total": 20, "note": "added"}
    )

    page = " ".join(_page(client, "counters:live").split())

    assert "demo-7, process 99" in page
    assert "attempt 1 lost on demo-6" in page
    assert "attempt 2 running" in page
    assert "<dt>Renewals</dt><dd>9</dd>" in page
    assert "3 of 20 added" in page
    assert "kill −9 this worker" in page


def test_a_silent_worker_is_shown_as_dead(client: Client, make_worker: Callable[..., Worker]) -> None:
    from datetime import timedelta

    make_worker(heartbeat_at=DatabaseNow() - timedelta(seconds=12))

    assert "judged dead" in _page(client, "counters:live")
