"""claim: what is taken, in which order, and what is left alone. S4."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.models import Gate, Job
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db


def ago(seconds):
    return timezone.now() - timedelta(seconds=seconds)


def test_a_claim_tells_all_that_a_worker_needs():
    job_id = rows.enqueue(tasks.echo, "ü", queue_name="mail", priority=4)
    (claim,) = rows.claim("w-9", queue="mail")
    job = rows.job(job_id)
    assert (job.status, job.worker_id, job.attempt, job.outcome) == ("RUNNING", "w-9", 1, "")
    assert (claim.job_id, claim.attempt, claim.token) == (job_id, job.attempt, job.token) == claim.fence
    assert (claim.task_path, claim.queue, claim.priority) == ("tests.app.tasks.echo", "mail", 4)
    assert (claim.failures, claim.crashes) == (0, 0)
    assert (claim.enqueued_at, claim.started_at, claim.first_started_at) == (
        job.enqueued_at,
        job.started_at,
        job.first_started_at,
    )
    assert claim.enqueued_at <= claim.started_at == claim.first_started_at


def test_the_arguments_of_a_claim_are_json():
    rows.enqueue(tasks.echo, "ü", [1, {"a": None}])
    assert json.loads(rows.claim()[0].arguments) == {"args": ["ü", [1, {"a": None}]], "kwargs": {}}


def test_the_order_is_priority_then_due_time_then_id():
    late, early = ago(10), ago(20)
    low = rows.enqueue(priority=-100, run_after=ago(100))
    first_due_later = rows.enqueue(run_after=late)
    second_due_later = rows.enqueue(run_after=late)
    due_early = rows.enqueue(run_after=early)
    high = rows.enqueue(priority=100)
    order = [high, due_early, first_due_later, second_due_later, low]

    assert [claim.job_id for claim in rows.claim(limit=3)] == order[:3]
    assert [claim.job_id for claim in rows.claim(limit=3)] == order[3:]


def test_what_is_not_due_is_left():
    rows.enqueue(run_after=timezone.now() + timedelta(seconds=3600), priority=100)
    due = rows.enqueue()
    assert [claim.job_id for claim in rows.claim(limit=5)] == [due]


@pytest.mark.parametrize("gate", [gate for gate in Gate if gate != Gate.OPEN])
def test_what_waits_at_a_gate_is_left(gate):
    held, free = rows.enqueue(priority=100), rows.enqueue()
    Job.objects.filter(pk=held).update(gate=gate)
    assert [claim.job_id for claim in rows.claim(limit=5)] == [free]


def test_what_is_another_queue_s_or_another_backend_s_is_left():
    rows.enqueue(queue_name="mail")
    rows.enqueue(backend="plain")
    assert rows.claim(limit=5) == []


def test_names_of_queues_are_exact():
    rows.enqueue()
    assert rows.claim(queue="Default") == []
    assert rows.claim(queue="default ") == []


def test_a_job_of_an_unknown_task_waits_for_a_worker_that_knows_it():
    unknown = rows.enqueue(priority=100)
    Job.objects.filter(pk=unknown).update(task_path="next_release.tasks.new")
    before = rows.everything(unknown)
    known = rows.enqueue()

    assert [claim.job_id for claim in rows.claim(limit=5)] == [known]
    assert rows.everything(unknown) == before
    assert [claim.job_id for claim in rows.claim(paths=["next_release.tasks.new"])] == [unknown]


@pytest.mark.parametrize("ask", [{"paths": []}, {"limit": 0}, {"limit": -1}])
def test_who_can_run_nothing_takes_nothing(ask):
    rows.enqueue()
    assert rows.claim(**ask) == []


@pytest.mark.parametrize("status", ["RUNNING", "SUCCESSFUL", "FAILED"])
def test_only_what_is_ready_is_taken(status):
    Job.objects.filter(pk=rows.enqueue()).update(status=status)
    assert rows.claim() == []


def test_every_claim_mints_a_higher_number_and_a_fresh_token():
    job_id = rows.enqueue()
    fences = []
    for _ in range(3):
        (claim,) = rows.claim()
        fences.append(claim.fence)
        lifecycle.release([claim.fence], started=True)
    assert [fence.attempt for fence in fences] == [1, 2, 3]
    assert len({fence.token for fence in fences}) == 3
    assert rows.job(job_id).token is None


def test_when_it_started_first_stays():
    claim = rows.claimed()
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    rows.let_time_pass()
    (again,) = rows.claim()
    assert again.first_started_at == claim.first_started_at < again.started_at
    assert again.failures == 1


def test_a_job_that_crashed_before_says_so():
    lifecycle.crash(rows.claimed().fence, rows.CRASHED_FOR_NOW)
    assert rows.claim()[0].crashes == 1


def test_a_claim_is_few_statements(django_assert_max_num_queries):
    lifecycle.create_many(tasks.echo, [rows.arguments()] * 20)
    # MariaDB needs a transaction, which here is a savepoint.
    with django_assert_max_num_queries(4 if connection.vendor == "mysql" else 1):
        assert len(rows.claim(limit=20)) == 20
