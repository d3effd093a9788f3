"""Who has one row locked for long keeps nobody from the others: not from renewing, claiming, settling, enqueueing."""

import time

from django.db import connection

from jobqueue import lifecycle
from jobqueue.lifecycle import Renewal
from jobqueue.models import Attempt
from tests import rows


def test_renewals_are_recorded_while_the_job_is_locked(anna, bert):
    """If a body freezes between its fence and its COMMIT, the worker still tells that it lives."""
    claim = rows.claimed()
    anna.begin()
    assert anna.do(lifecycle.succeed, connection, claim.fence, None)

    recorded = bert.start(lifecycle.record_renewals, "w-1", [Renewal(claim.fence, 1, 7)])
    if connection.vendor == "sqlite":  # One writes at a time.
        anna.commit()
    assert recorded.result(10) is True
    assert Attempt.objects.get().renewals == 1


def test_renewals_wait_for_a_locked_record_for_a_second_at_most(anna, bert):
    """If a process freezes while it writes down its failure, the heartbeat of its worker does not stand still."""
    slow, other = rows.claimed(), rows.claimed()
    anna.begin()
    anna.do(lifecycle.record_renewals, "w-1", [Renewal(slow.fence, 1, 7)])

    began = time.monotonic()
    recorded = bert.start(lifecycle.record_renewals, "w-1", [Renewal(slow.fence, 2, 7), Renewal(other.fence, 2, 7)])
    if connection.vendor == "sqlite":
        bert.waits(recorded)
        anna.commit()
        assert recorded.result(10) is True
    else:
        assert recorded.result(10) is False
        assert time.monotonic() - began < 5
        anna.commit()
        assert bert.do(lifecycle.record_renewals, "w-1", [Renewal(slow.fence, 2, 7), Renewal(other.fence, 2, 7)])
    assert {attempt.renewals for attempt in Attempt.objects.all()} == {2}


def test_a_batch_is_settled_while_another_job_is_locked(anna, bert):
    """The jobs of a small table are all near one another in every index but the primary key."""
    slow, *batch = (rows.claimed() for _ in range(4))
    anna.begin()
    assert anna.do(lifecycle.succeed, connection, slow.fence, None)

    settled = bert.start(lifecycle.settle, connection, [(claim.fence, None) for claim in batch])
    if connection.vendor == "sqlite":
        bert.waits(settled)
        anna.commit()
    assert settled.result(10) == {claim.job_id for claim in batch}
    anna.commit()


def test_others_claim_fail_and_hand_back_while_a_job_is_locked(anna, bert):
    slow, failing, returned = (rows.claimed() for _ in range(3))
    rows.enqueue()
    anna.begin()
    assert anna.do(lifecycle.succeed, connection, slow.fence, None)
    if connection.vendor == "sqlite":
        anna.commit()

    assert bert.do(rows.claim, "w-2")
    assert bert.do(lifecycle.fail, failing.fence, rows.FAILED_FOR_GOOD) == "FAILED"
    assert bert.do(lifecycle.release, [returned.fence], started=True) == 1
    assert bert.do(lifecycle.orphans, "default")
    assert bert.do(lifecycle.held_tokens, "w-2")
    anna.commit()


def test_jobs_are_enqueued_between_the_two_statements_of_a_claim(anna, bert):
    """On MariaDB a claim is two statements; under REPEATABLE READ the first would lock where new jobs go."""
    rows.enqueue()
    enqueued = []

    def enqueue_before_update(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            enqueued.append(bert.start(rows.enqueue).result(10) if connection.vendor != "sqlite" else None)
        return execute(sql, params, many, context)

    def claim():
        if connection.vendor == "mysql":
            connection.close()
            connection.ensure_connection()
            connection.cursor().execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.isolation_level = None  # What a project gets that asks for the server's default.
        with connection.execute_wrapper(enqueue_before_update):
            return rows.claim(limit=10)

    assert anna.do(claim)
    assert len(enqueued) == 1
