"""create, create_many: a job comes into being in the caller's transaction. S11."""

import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.models import Job
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db


def test_a_new_job_waits_and_has_cost_nothing_yet():
    created = lifecycle.create(tasks.echo.using(priority=7, queue_name="mail"), rows.arguments(1, "ü", key=None))
    job = rows.job(created.job_id)
    assert (job.status, job.outcome, job.token, job.attempt, job.failures, job.crashes) == ("READY", "", None, 0, 0, 0)
    assert (job.backend, job.task_path, job.queue, job.priority) == ("default", "tests.app.tasks.echo", "mail", 7)
    assert job.arguments == {"args": [1, "ü"], "kwargs": {"key": None}}
    assert (job.worker_id, job.result, job.started_at, job.finished_at) == ("", None, None, None)


def test_it_is_due_and_enqueued_at_the_time_of_the_database():
    created = lifecycle.create(tasks.echo, rows.arguments())
    job = rows.job(created.job_id)
    assert created.enqueued_at == job.enqueued_at == job.due_at
    assert abs(job.enqueued_at - timezone.now()) < timedelta(seconds=60)


def test_run_after_is_when_it_becomes_due():
    due = datetime(2031, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    assert rows.job(rows.enqueue(run_after=due)).due_at == due


def test_run_after_in_another_zone_is_the_same_moment():
    due = datetime(2031, 2, 3, 4, 5, 6, tzinfo=timezone.get_fixed_timezone(-330))
    assert rows.job(rows.enqueue(run_after=due)).due_at == due


def test_it_exists_only_if_the_transaction_commits():
    with transaction.atomic():
        job_id = rows.enqueue()
        rows.enqueue(idempotency_key="k")
        transaction.set_rollback(True)
    assert rows.everything(job_id) is None
    assert Job.objects.count() == 0
    # The key was not used either.
    assert rows.enqueue(idempotency_key="k")


def test_many_are_in_the_order_they_were_given():
    ids = lifecycle.create_many(tasks.echo.using(priority=3), [rows.arguments(n) for n in range(50)])
    jobs = {str(job.pk): job for job in Job.objects.all()}
    assert [jobs[i].arguments["args"] for i in ids] == [[n] for n in range(50)]
    assert ids == sorted(ids)
    assert {(job.status, job.priority, job.task_path) for job in jobs.values()} == {
        ("READY", 3, "tests.app.tasks.echo")
    }
    assert [str(claim.job_id) for claim in rows.claim(limit=50)] == ids


def test_what_many_are_given_arrives_as_it_was():
    given = ["\"'\\", "{},[]", "%s %(a)s", "\n\t\u2028", "🦉", "", None, 1.5, [["{"]], {"]": "}"}]
    ids = lifecycle.create_many(tasks.echo, [rows.arguments(value, key=value) for value in given])
    assert [rows.job(i).arguments for i in ids] == [{"args": [v], "kwargs": {"key": v}} for v in given]


def test_many_with_run_after():
    due = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
    lifecycle.create_many(tasks.echo.using(run_after=due), [rows.arguments()] * 2)
    assert {job.due_at for job in Job.objects.all()} == {due}


def test_no_calls_are_no_jobs():
    assert lifecycle.create_many(tasks.echo, []) == []


def inserts(number):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        lifecycle.create_many(tasks.echo, [rows.arguments(n) for n in range(number)])
    return sum(query["sql"].startswith("INSERT") for query in captured.captured_queries)


def test_many_are_few_statements():
    assert inserts(100) == 1


def test_a_statement_does_not_grow_past_what_servers_take(monkeypatch):
    create_module = sys.modules["jobqueue.lifecycle.create"]  # The verb hides its module.
    assert create_module._MOST_CHARACTERS * 4 < 16 * 1024 * 1024
    monkeypatch.setattr(create_module, "_MOST_CHARACTERS", 100)
    assert inserts(10) == 4
    monkeypatch.setattr(create_module, "_MOST_ROWS", 2)
    assert inserts(10) == 5
    assert Job.objects.count() == 20


def test_a_megabyte_at_once_is_taken():
    lifecycle.create_many(tasks.echo, [rows.arguments("🦉" * 50_000)] * 5)
    assert Job.objects.count() == 5


def test_of_many_all_or_none_are_made():
    with pytest.raises(DatabaseError), transaction.atomic():
        lifecycle.create_many(tasks.echo, [rows.arguments(), "not JSON"])
    assert Job.objects.count() == 0
