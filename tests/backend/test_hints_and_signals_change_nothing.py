"""A hint goes out on commit and may be lost; receivers of signals are told, and can change nothing."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, cast

import pytest
from django.db import transaction
from django.tasks import TaskResult, task_backends
from django.tasks.signals import task_enqueued

from jobqueue.backend import JobQueueBackend
from jobqueue.leases import Wake, wake_of
from jobqueue.models import Job
from tests.app.tasks import echo

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hints() -> Wake:
    wake = wake_of(cast(JobQueueBackend, task_backends["default"]).settings)
    assert wake is not None
    while wake.await_hint(["default"]):
        pass
    return wake


@pytest.fixture
def enqueued() -> Generator[list[tuple[Any, TaskResult]]]:
    told: list[tuple[Any, TaskResult]] = []

    def receive(sender: Any, task_result: TaskResult, **_: Any) -> None:
        told.append((sender, task_result))
        raise ValueError("a receiver that fails")

    task_enqueued.connect(receive)
    yield told
    task_enqueued.disconnect(receive)


def test_a_hint_goes_out_on_commit_and_not_before(hints: Wake) -> None:
    with transaction.atomic():
        echo.enqueue(1)
        assert hints.await_hint(["default"]) is None
    assert hints.await_hint(["default"]) == "default"


def test_no_hint_goes_out_for_what_was_rolled_back_or_is_for_later(hints: Wake) -> None:
    with transaction.atomic():
        echo.enqueue(1)
        transaction.set_rollback(True)
    assert hints.await_hint(["default"]) is None


def test_many_jobs_are_one_hint(hints: Wake) -> None:
    echo.enqueue_many([((n,), {}) for n in range(50)])
    assert hints.await_hint(["default"]) == "default"
    assert hints.await_hint(["default"]) is None


def test_a_redis_that_is_gone_costs_a_moment_and_loses_nothing(own_redis: Any, settings: Any) -> None:
    own_redis.kill()
    settings.CACHES = {"own": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": own_redis.url}}
    settings.TASKS = {
        "default": {
            "BACKEND": "jobqueue.backend.JobQueueBackend",
            "OPTIONS": {"REDIS": "own", "KEY_PREFIX": "gone", "LEASE_SECONDS": 2},
        }
    }
    began = time.monotonic()
    for _ in range(5):
        echo.enqueue(1)
    assert time.monotonic() - began < 5
    assert Job.objects.count() == 5


def test_a_receiver_that_fails_is_told_and_changes_nothing(enqueued: list[tuple[Any, TaskResult]]) -> None:
    result = echo.enqueue(1)
    assert enqueued == [(JobQueueBackend, result)]
    assert Job.objects.filter(pk=result.id).exists()
