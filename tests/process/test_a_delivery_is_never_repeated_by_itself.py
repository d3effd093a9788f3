"""kill -9 around an effect outside the database: without somebody's word, or that of a lookup, it is not done again."""

import os
import signal

import pytest

from jobqueue import deliveries, lifecycle, operations
from tests.app.outbox_tasks import charge
from tests.waiting import wait_until

around = pytest.mark.parametrize(("dies", "made"), [("before", 0), ("behind", 1)])


def check_goes_on(job, *, calls):
    row = job.wait_status("SUCCESSFUL", seconds=30)
    job.counter.refresh_from_db()
    assert (row.result, job.counter.value, len(job.said("charge"))) == ("ch_1", 1, calls)


@around
def test_it_is_in_doubt_until_somebody_has_decided(start_on, enqueue, backend_alias, dies, made):
    start_on(backend_alias)
    job = enqueue(charge, dies, False, backend=backend_alias)
    row = job.wait_status("FAILED", "SUCCESSFUL", seconds=30)
    assert (row.status, row.outcome, row.crashes, len(job.said("charge"))) == ("FAILED", "in_doubt", 1, made)
    assert [attempt.outcome for attempt in job.attempts] == ["crashed", "in_doubt"]

    if made:
        operations.was_done(job.id, receipt="ch_1")
    else:
        operations.do_again(job.id)
    check_goes_on(job, calls=1)


@around
def test_a_lookup_decides_by_itself(start_on, enqueue, backend_alias, dies, made):
    start_on(backend_alias)
    job = enqueue(charge, dies, True, backend=backend_alias)
    check_goes_on(job, calls=1)
    assert len(job.said("lookup")) == 1


def test_the_receipt_of_a_frozen_worker_that_wakes_up_is_refused(start_on, enqueue, backend_alias):
    frozen = start_on(backend_alias, "--name", "frozen", env={"JOBQUEUE_TEST_WITHOUT_CONSCIENCE": "1"})
    job = enqueue(charge, "never", False, backend=backend_alias)
    late = wait_until(lambda: job.said("charge"), 20)[0].pid
    start_on(backend_alias, "--name", "awake").wait_started()
    frozen.signal_group(signal.SIGSTOP)
    row = job.wait_status("FAILED", seconds=30)
    assert (row.outcome, row.worker_id.startswith("awake-")) == ("in_doubt", True)

    job.let_go(late)
    os.kill(late, signal.SIGCONT)
    attempt = wait_until(lambda: next((a for a in job.attempts if a.refused_writes), None))
    assert (attempt.number, len(job.said("late"))) == (1, 1)
    assert [it.state for it in deliveries.of_job(job.id)] == ["in doubt"]
    assert (job.row.status, job.row.outcome) == ("FAILED", "in_doubt")

    lifecycle.was_done(job.id, receipt="ch_1")
    check_goes_on(job, calls=1)
