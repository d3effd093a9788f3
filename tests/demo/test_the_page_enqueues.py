"""Views, and a signal, enqueue: in the transaction of whoever asked for it, and once for each thing."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from jobqueue.models import Job
from project.counters import tasks
from project.counters.models import Counter, Order

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("button", "task"),
    [("quick", tasks.add_one), ("slow", tasks.count_slowly), ("failing", tasks.fail_twice)],
)
def test_a_button_enqueues_its_job(client: Client, counter: Counter, button: str, task) -> None:
    response = client.post(reverse("counters:press", args=[button]), follow=True)

    assert "Enqueued" in response.content.decode()
    job = Job.objects.get()
    assert job.task_path == task.module_path
    assert job.arguments["args"][0] == counter.pk


def test_a_button_works_only_when_pressed(client: Client) -> None:
    assert client.get(reverse("counters:press", args=["quick"])).status_code == 405
    assert client.post(reverse("counters:press", args=["no-such"])).status_code == 404
    assert not Job.objects.exists()


def test_another_site_cannot_press_it() -> None:
    assert Client(enforce_csrf_checks=True).post(reverse("counters:press", args=["quick"])).status_code == 403


def test_an_order_that_is_saved_twice_is_one_job(client: Client) -> None:
    client.post(reverse("counters:press", args=["order"]))

    order, job = Order.objects.get(), Job.objects.get()
    assert job.task_path == tasks.count_order.module_path
    assert job.arguments["args"] == [order.pk]


def test_an_order_that_is_rolled_back_is_no_job(client: Client) -> None:
    client.post(reverse("counters:press", args=["undone-order"]))

    assert not Order.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_job_of_an_order_is_seen_by_others_when_it_commits(other_connection) -> None:
    with transaction.atomic():
        Order.objects.create(item="tea")
        assert Job.objects.count() == 1
        assert other_connection(Job.objects.count) == 0
    assert other_connection(Job.objects.count) == 1
