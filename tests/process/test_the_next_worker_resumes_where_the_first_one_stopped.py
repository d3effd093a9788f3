"""SIGTERM and checkpoints: long work goes on where it was, in another worker, and being stopped costs it nothing."""

import os
import signal
import time

import pytest

from jobqueue.ledger import checkpoint_scope
from jobqueue.models import LedgerEntry
from tests.app.outbox_tasks import ROUNDS, dies_at_a_checkpoint, keep_late, resume
from tests.waiting import wait_until


def state_of(job):
    return LedgerEntry.objects.get(scope=checkpoint_scope(job.id)).value


def test_it_hands_its_job_back_at_once_and_the_next_worker_resumes(start_on, enqueue, backend_alias):
    worker = start_on(backend_alias, grace=60)
    job = enqueue(resume, 1, backend=backend_alias)
    wait_until(lambda: job.said("held"), 20)
    before = time.monotonic()
    worker.terminate()
    assert worker.wait(30) == 0
    assert time.monotonic() - before < 20, "It has waited for the grace."
    row = job.row
    assert (row.status, row.outcome, row.failures, row.crashes) == ("READY", "released", 0, 0)
    assert [attempt.outcome for attempt in job.attempts] == ["released"]
    assert state_of(job) == 2

    job.let_go()
    start_on(backend_alias)
    row = job.wait_status("SUCCESSFUL", "FAILED")
    job.counter.refresh_from_db()
    assert (row.status, row.result, job.counter.value) == ("SUCCESSFUL", [2, ROUNDS], ROUNDS)
    assert (row.failures, row.crashes) == (0, 0)
    assert [len(job.said(f"start-{first}")) for first in (0, 2)] == [1, 1]


@pytest.mark.parametrize(("when", "resumed"), [("before", 1), ("behind", 1)])
def test_killed_around_a_commit_it_resumes_from_what_was_committed(start_on, enqueue, when, resumed):
    start_on("plain")
    job = enqueue(dies_at_a_checkpoint, when, backend="plain")
    row = job.wait_status("SUCCESSFUL", "FAILED", seconds=30)
    assert (row.status, row.result, row.crashes) == ("SUCCESSFUL", resumed + 1, 1)
    assert len(job.said(f"start-{resumed}")) == 1


def test_a_frozen_worker_that_wakes_up_keeps_nothing(start_on, enqueue, backend_alias):
    frozen = start_on(backend_alias, "--name", "frozen", env={"JOBQUEUE_TEST_WITHOUT_CONSCIENCE": "1"})
    job = enqueue(keep_late, backend=backend_alias)
    late = job.wait_started().pid
    start_on(backend_alias, "--name", "awake").wait_started()
    frozen.signal_group(signal.SIGSTOP)
    again = job.wait_started(2).pid

    job.let_go(late)
    os.kill(late, signal.SIGCONT)
    attempt = wait_until(lambda: next((a for a in job.attempts if a.refused_writes), None))
    assert (attempt.number, [it.pid for it in job.said("late")]) == (1, [late])
    assert not LedgerEntry.objects.filter(scope=checkpoint_scope(job.id)).exists()

    job.let_go(again)
    row = job.wait_status("SUCCESSFUL", "FAILED")
    assert (row.status, state_of(job)) == ("SUCCESSFUL", again)
