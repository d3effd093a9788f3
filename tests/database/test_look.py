"""ready_queues, next_due, held_tokens: what a worker asks before it acts."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.models import Gate, Job
from tests import rows

pytestmark = pytest.mark.django_db


def in_(seconds):
    return timezone.now() + timedelta(seconds=seconds)


def test_queues_in_which_something_is_due():
    assert lifecycle.ready_queues(connection, "default") == []
    rows.enqueue()
    rows.enqueue()
    rows.enqueue(queue_name="mail", run_after=in_(60))
    rows.enqueue(queue_name="mail", backend="plain")
    assert lifecycle.ready_queues(connection, "default") == ["default"]
    assert lifecycle.ready_queues(connection, "plain") == ["mail"]
    rows.claim()
    assert lifecycle.ready_queues(connection, "default") == ["default"]
    rows.claim()
    assert lifecycle.ready_queues(connection, "default") == []


def test_what_waits_at_a_gate_is_not_looked_for():
    rows.enqueue()
    rows.enqueue(run_after=in_(60))
    Job.objects.update(gate=Gate.AFTER)
    assert lifecycle.ready_queues(connection, "default") == []
    assert lifecycle.next_due("default", []) is None


def test_nothing_to_come_is_none():
    rows.enqueue()
    rows.enqueue(backend="plain", run_after=in_(60))
    assert lifecycle.next_due("default", ["default"]) is None
    assert lifecycle.next_due("default", []) is None


def test_the_earliest_to_come_counts_whatever_its_priority():
    rows.enqueue(priority=50, run_after=in_(600))
    rows.enqueue(priority=-50, run_after=in_(60))
    rows.enqueue(priority=0, run_after=in_(300))
    rows.enqueue(queue_name="mail", run_after=in_(30))
    assert lifecycle.next_due("default", ["default"]) == pytest.approx(60, abs=5)
    assert lifecycle.next_due("default", ["default", "mail"]) == pytest.approx(30, abs=5)
    assert lifecycle.next_due("default", []) == pytest.approx(30, abs=5)
    assert lifecycle.next_due("default", ["empty"]) is None


def test_what_is_due_already_is_not_to_come():
    rows.enqueue(run_after=in_(-5))
    rows.enqueue(run_after=in_(60))
    assert lifecycle.next_due("default", ["default"]) == pytest.approx(60, abs=5)


def test_the_tokens_of_what_a_worker_runs():
    mine, other, done = rows.claimed(), rows.claimed("w-2"), rows.claimed()
    lifecycle.succeed(connection, done.fence, None)
    assert lifecycle.held_tokens("w-1") == {mine.job_id: mine.token}
    assert lifecycle.held_tokens("w-2") == {other.job_id: other.token}
    assert lifecycle.held_tokens("W-1") == {}


def test_the_cost_of_looking_does_not_grow_with_what_waits(django_assert_num_queries):
    for priority in (0, 5):
        for _ in range(20):
            rows.enqueue(priority=priority)
    with django_assert_num_queries(3):  # Which queue is the first, is anything due in it, which is the next.
        lifecycle.ready_queues(connection, "default")
    with django_assert_num_queries(5):  # Two priorities, an end to them, and a question for each.
        lifecycle.next_due("default", ["default"])
