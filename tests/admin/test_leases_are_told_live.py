from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.tasks import task_backends
from django.test import Client
from django.urls import reverse

from jobqueue.fence import Fence
from jobqueue.leases import Held
from jobqueue.leases.connection import Connection
from jobqueue.models import Job
from tests.admin.conftest import JOBS, make_attempt, make_job, make_worker, page_of


def hold(job: Job, *, renewals: int = 0, pid: int | None = None) -> None:
    """Take the lease of a running job and renew it that often."""
    assert job.token is not None
    fence = Fence(job.pk, job.attempt, job.token)
    leases = task_backends["default"].leases()
    leases.acquire([fence], job.worker_id)
    if renewals:
        leases.renew([Held(fence, renewals, pid)], job.worker_id)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give a list that grows with every round trip to Redis."""
    made: list[int] = []
    call = Connection.call

    def counted(self: Connection, ask: Any) -> Any:
        made.append(1)
        return call(self, ask)

    monkeypatch.setattr(Connection, "call", counted)
    return made


def test_the_list_tells_owner_and_lease_of_a_running_job(admin_client: Client) -> None:
    make_worker()
    job = make_job("RUNNING")
    hold(job, renewals=7, pid=4711)
    for page in (reverse(JOBS), page_of(job)):
        text = admin_client.get(page).content.decode()
        assert "w-1</a>" in text
        assert "pid 4711" in text
        assert "7 renewals" in text
        assert "s left" in text
        assert "heartbeat 1." not in text


def test_redis_is_asked_once_for_the_whole_page(admin_client: Client, reads: list[int]) -> None:
    for _ in range(20):
        hold(make_job("RUNNING"))
    for status in ("READY", "SUCCESSFUL", "FAILED"):
        make_job(status)
    reads.clear()
    admin_client.get(reverse(JOBS))
    assert len(reads) == 1


def test_redis_is_not_asked_when_nothing_runs(admin_client: Client, reads: list[int]) -> None:
    make_job("READY")
    admin_client.get(reverse(JOBS))
    assert reads == []


def test_the_lease_of_another_claim_is_not_taken_for_this_ones(admin_client: Client) -> None:
    job = make_job("RUNNING")
    hold(job)
    Job.objects.update(attempt=2, token=uuid.uuid4())
    assert "no lease, no heartbeat" in admin_client.get(reverse(JOBS)).content.decode()


def test_without_redis_the_heartbeat_is_the_lease(admin_client: Client) -> None:
    make_worker(beat=10)
    job = make_job("RUNNING", backend="plain")
    make_attempt(job, renewals=3)
    for page in (reverse(JOBS), page_of(job)):
        text = admin_client.get(page).content.decode()
        assert "20\N{NO-BREAK SPACE}s left" in text or "19\N{NO-BREAK SPACE}s left" in text
        assert "3 renewals · heartbeat 1" in text
        assert "cannot be reached" not in text


def test_an_unreachable_redis_is_noted_and_the_heartbeat_told(admin_client: Client, gone_backend: str) -> None:
    make_worker(backend=gone_backend, executors=[])
    job = make_job("RUNNING", backend=gone_backend)
    Job.objects.filter(pk=job.pk).update(worker_id="w-1")
    for page in (reverse(JOBS), page_of(job)):
        text = admin_client.get(page).content.decode()
        assert "The Redis of backend “gone” cannot be reached" in text
        assert "heartbeat 1." in text


def test_the_process_is_known_from_the_heartbeat_before_the_first_renewal(admin_client: Client) -> None:
    job = make_job("RUNNING")
    make_worker(executors=[{"pid": 5, "job": None}, {"pid": 1234, "job": str(job.pk)}])
    hold(job)
    assert "pid 1234" in admin_client.get(reverse(JOBS)).content.decode()
    assert "pid 1234" in admin_client.get(page_of(job)).content.decode()


def test_a_dead_owner_is_an_alert(admin_client: Client) -> None:
    make_worker(beat=100)
    text = admin_client.get(page_of(make_job("RUNNING"))).content.decode()
    assert "shows no sign of life" in text
    assert "lapsed" in text
