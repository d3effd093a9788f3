"""Each trouble of workers and jobs is made, and found: nobody there, nobody who serves or knows, nobody who rescues."""

from __future__ import annotations

import json
import signal
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.tasks import task_backends
from django.utils import timezone

from jobqueue import __version__, lifecycle, operations
from jobqueue.doctor import Level, ledger
from jobqueue.fence import Fence
from jobqueue.models import Job, LedgerEntry, TaskDefinition, Worker
from tests import rows
from tests.app import tasks
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
ECHO = tasks.echo.module_path
LONG = 3600


def ago(**span):
    return timezone.now() - timedelta(**span)


def define(path=ECHO, **columns):
    values = {"backend": "default", "queue": "default", "priority": 0, "effects": "atomic", "max_attempts": 3}
    return TaskDefinition.objects.create(path=path, **{**values, "synced_at": timezone.now(), **columns})


def test_jobs_without_a_worker(found):
    assert found("workers.alive").level is Level.WARNING
    rows.enqueue()
    rows.worker("gone", beat_ago=60)
    finding = found("workers.alive")
    assert finding.level is Level.PROBLEM
    assert "1 jobs are due" in finding.says
    assert "runworkers --backend default" in finding.do
    for backend in ("default", "plain"):
        Worker.objects.create(
            id=backend, name="w", hostname="h", pid=1, backend=backend, concurrency=1, seats=1, lease_seconds=LONG,
            started_at=timezone.now(), heartbeat_at=timezone.now(),
        )  # fmt: skip
    assert found("workers.alive").level is Level.OK


def test_a_queue_that_nobody_serves(found):
    worker = rows.worker(lease=LONG)
    rows.enqueue(queue_name="mail")
    assert found("workers.queues").level is Level.OK
    Worker.objects.filter(pk=worker.pk).update(queues=["*", "!mail"])
    finding = found("workers.queues")
    assert (finding.level, finding.figure, finding.unit) == (Level.PROBLEM, 1, "jobs")
    assert "mail (default)" in finding.says
    operations.pause_queue("mail")
    assert found("workers.queues").level is Level.OK, "that it is paused is told apart"


@pytest.mark.parametrize("declared", [None, {"synced_at": ago(days=1)}])
def test_a_task_that_nobody_knows(found, declared):
    rows.worker(lease=LONG)
    rows.enqueue()
    if declared:
        define(**declared)
    finding = found("workers.tasks")
    assert (finding.level, finding.figure) == (Level.PROBLEM, 1)
    assert ECHO in finding.says
    TaskDefinition.objects.all().delete()
    define()
    assert found("workers.tasks").level is Level.OK


def test_a_job_without_an_owner(found):
    claim = rows.claimed("w-dead")
    assert found("jobs.ownerless").level is Level.OK, "it may have been claimed this moment"
    Job.objects.update(started_at=ago(minutes=1))
    rows.worker("w-dead", beat_ago=5)
    assert found("jobs.ownerless").level is Level.OK, "it is being rescued"
    Worker.objects.update(heartbeat_at=ago(minutes=1))
    finding = found("jobs.ownerless")
    assert (finding.level, finding.figure) == (Level.PROBLEM, 1)
    assert str(claim.job_id) in finding.says
    leases = task_backends["default"].leases()
    leases.acquire([Fence(*claim.fence)], "w-dead")
    assert found("jobs.ownerless").level is Level.OK, "its lease is held"
    leases.release([claim.fence], "w-dead")
    Worker.objects.all().delete()
    assert found("jobs.ownerless").level is Level.PROBLEM


def test_jobs_that_have_been_due_for_long(found):
    job_id = rows.enqueue()
    rows.enqueue()
    assert found("jobs.overdue").level is Level.OK
    Job.objects.filter(pk=job_id).update(due_at=ago(minutes=10))
    finding = found("jobs.overdue")
    assert (finding.level, finding.unit) == (Level.WARNING, "s")
    assert 590 < finding.figure < 700
    assert finding.says.startswith("1 jobs")
    operations.pause_queue("default")
    assert found("jobs.overdue").level is Level.OK


@pytest.mark.parametrize("what", ["task", "queue"])
def test_jobs_that_wait_for_what_is_paused(found, what):
    define()
    assert found("jobs.paused").says == "Nothing is paused."
    operations.pause_task(ECHO) if what == "task" else operations.pause_queue("default")
    assert found("jobs.paused").level is Level.OK
    rows.enqueue()
    finding = found("jobs.paused")
    assert (finding.level, finding.figure) == (Level.WARNING, 1)
    assert (ECHO if what == "task" else "default (default)") in finding.says


def test_jobs_of_a_backend_that_is_no_more(found):
    rows.enqueue()
    assert found("jobs.backends").level is Level.OK
    Job.objects.update(backend="abandoned")
    assert found("jobs.backends").level is Level.WARNING
    assert "abandoned" in found("jobs.backends").says


def test_more_failures_than_are_usual(found):
    for _ in range(2):
        lifecycle.fail(rows.claimed().fence, rows.FAILED_FOR_GOOD)
    finding = found("jobs.failed")
    assert (finding.level, finding.figure) == (Level.WARNING, 2)
    Job.objects.filter(pk=Job.objects.first().pk).update(finished_at=ago(days=2))
    assert found("jobs.failed").figure == 1
    done = [rows.enqueue() for _ in range(25)]
    Job.objects.filter(pk__in=done).update(status="SUCCESSFUL", finished_at=timezone.now())
    assert found("jobs.failed").level is Level.OK
    Job.objects.failed().update(outcome="cancelled")
    assert found("jobs.failed").figure == 0


def test_workers_of_two_versions_and_with_another_lease(found):
    rows.worker("w-1", lease=2, beat_ago=-60)
    Worker.objects.update(version=__version__)
    assert (found("workers.versions").level, found("workers.leases").level) == (Level.OK, Level.OK)
    Worker.objects.update(version="0.0.1", lease_seconds=LONG)
    assert found("workers.versions").level is Level.WARNING
    assert "0.0.1" in found("workers.versions").says
    assert "w-1 3600 s" in found("workers.leases").says


def test_a_ledger_that_is_large(found, monkeypatch):
    rows.enqueue(idempotency_key="a")
    assert (found("ledger.size").figure, found("ledger.size").unit) == (LedgerEntry.objects.count(), "entries")
    monkeypatch.setattr(ledger, "MANY", 0)
    monkeypatch.setattr(ledger, "_COUNT_AT_MOST", 0)
    assert found("ledger.size").level is Level.WARNING


def test_settings_that_are_wrong(found, settings):
    settings.USE_TZ = False
    finding = found("settings.jobqueue.E003")
    assert finding.level is Level.PROBLEM
    assert "USE_TZ" in finding.do


def jobs(*words):
    out = StringIO()
    status = 0
    try:
        call_command("jobs", *words, stdout=out)
    except SystemExit as ended:
        status = ended.code
    return status, out.getvalue()


def test_real_workers_are_well_until_they_are_frozen(start_worker):
    for backend in ("default", "plain"):
        start_worker("--backend", backend)
    wait_until(lambda: Worker.objects.count() == 2 and TaskDefinition.objects.exists(), 30)
    status, text = jobs("doctor", "--json", "--timeout", "30")
    found = json.loads(text)
    levels = {finding["about"]: finding["level"] for finding in found["findings"]}
    assert (status, found["problems"]) == (0, 0), text
    assert levels["workers.alive"] == levels["workers.leases"] == levels["workers.versions"] == "ok"
    assert {"about", "level", "says", "means", "do", "figure", "unit"} == set(found["findings"][0])


def test_a_frozen_worker_is_a_problem_once_jobs_are_due(start_worker):
    worker = start_worker()
    wait_until(lambda: Worker.objects.exists(), 30)
    worker.signal_group(signal.SIGSTOP)
    rows.enqueue()
    wait_until(lambda: jobs("doctor")[0] == 1, 20, every=0.5)
    _, text = jobs("doctor")
    worker.signal_group(signal.SIGCONT)
    assert "PROBLEM  workers.alive" in text
    assert "→ Start one: python manage.py runworkers --backend default" in text
    assert text.rstrip().splitlines()[-1].startswith("1 problem, ")


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "x"])
def test_a_look_takes_some_time(seconds):
    with pytest.raises(CommandError, match="no number of seconds"):
        jobs("doctor", "--timeout", seconds)
