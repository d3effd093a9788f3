"""`--async-concurrency N`: N coroutines at once on one loop, each with its own connection, fence, limit and end."""

import os
import signal

import pytest
from django.db import connection

from jobqueue import lifecycle, results
from jobqueue.models import Attempt, Job
from tests.app import many_tasks
from tests.app.models import Counter, Entry
from tests.app.record import notes, open_gate
from tests.app.slow_tasks import hold
from tests.process.slow_jobs import WORTH
from tests.waiting import wait_until

COROUTINES = 8
WORTH |= {many_tasks.hold_as_coroutine: 1, many_tasks.hold_in_steps_as_coroutine: 2}


def wait_done(rows, status="SUCCESSFUL"):
    wait_until(lambda: not rows.exclude(status=status).exists(), 30)
    return list(rows)


@pytest.fixture
def start(start_on, backend_alias):
    """Give `start(…)`: a worker with one executor that runs eight coroutines at once, beside one function."""
    return lambda *flags, **how: start_on(backend_alias, "--async-concurrency", str(COROUTINES), *flags, **how)


@pytest.fixture
def others(start, enqueue, backend_alias):
    """Give coroutines that run beside what a test is about, in the executor of a worker that runs them."""
    start()
    jobs = [
        enqueue(task, backend=backend_alias)
        for task in (many_tasks.hold_as_coroutine, many_tasks.hold_in_steps_as_coroutine)
    ]
    for job in jobs:
        job.wait_started()
    return jobs


def check_undisturbed(others, pid):
    for other in others:
        other.let_go()
        other.check_done(runs=1)
        assert other.starts[0].pid == pid


def test_they_run_at_once_and_each_knows_its_own_job(start, backend_alias, tmp_path):
    file = str(tmp_path / "meeting")
    task = many_tasks.meet_as_coroutine.using(backend=backend_alias)
    made = task.enqueue_many([((file, COROUTINES), {})] * 2 * COROUTINES)
    start()
    rows = wait_done(Job.objects.filter(pk__in=[result.id for result in made]))
    told = [row.result for row in rows]
    assert [job_id for job_id, _, _ in told] == [str(row.pk) for row in rows]
    assert len({(pid, thread) for _, pid, thread in told}) == 1, "they share one loop"


def test_functions_run_beside_them(start, backend_alias, tmp_path):
    """Four threads and eight coroutines meet in one process."""
    file = str(tmp_path / "meeting")
    start("--threads", "4")
    made = many_tasks.meet.using(backend=backend_alias).enqueue_many([((file, 12), {})] * 4)
    made += many_tasks.meet_as_coroutine.using(backend=backend_alias).enqueue_many([((file, 12), {})] * COROUTINES)
    rows = wait_done(Job.objects.filter(pk__in=[result.id for result in made]))
    assert len({row.result[1] for row in rows}) == 1
    assert len({row.result[2] for row in rows}) == 5, "each function has its thread, all coroutines one"


def test_neither_kind_takes_the_seats_of_the_other(start, backend_alias, enqueue, tmp_path):
    start()
    held = [enqueue(hold, backend=backend_alias) for _ in range(3)]
    wait_until(lambda: any(job.starts for job in held), 30)
    file = str(tmp_path / "meeting")
    task = many_tasks.meet_as_coroutine.using(backend=backend_alias)
    made = task.enqueue_many([((file, COROUTINES), {})] * COROUTINES)
    wait_done(Job.objects.filter(pk__in=[result.id for result in made]))
    for job in held:
        job.let_go()
    for job in held:
        job.check_done(runs=1)


def test_each_has_a_transaction_of_its_own(start, backend_alias, tmp_path):
    """All have written before any may end; one fails, and its writes alone are gone."""
    file = str(tmp_path / "meeting")
    # SQLite lets one write at a time.
    parties = 0 if connection.vendor == "sqlite" else COROUTINES
    task = many_tasks.interleave.using(backend=backend_alias)
    made = [task.enqueue(file, parties, f"writer {number}", number % 4 == 3) for number in range(COROUTINES)]
    Job.objects.filter(pk__in=[result.id for result in made]).update(failures=2)  # Their last attempt.
    start()
    rows = Job.objects.filter(pk__in=[result.id for result in made]).order_by("pk")
    wait_until(lambda: not rows.filter(status__in=("READY", "RUNNING")).exists(), 30)
    assert [row.status for row in rows] == 2 * [*3 * ["SUCCESSFUL"], "FAILED"]
    well = [number for number in range(COROUTINES) if number % 4 != 3]
    written = sorted(Entry.objects.values_list("note", flat=True))
    assert written == sorted(4 * [f"writer {number}" for number in well])
    if parties:
        assert {row.result for row in rows if row.status == "SUCCESSFUL"} <= set(range(4, 4 * COROUTINES + 1))


def test_a_time_limit_ends_one_of_them(others, enqueue_some):
    late, file = enqueue_some(many_tasks.listens_as_coroutine)
    (row,) = wait_done(Job.objects.filter(pk=late.pk), "FAILED")
    assert (row.outcome, row.failures, row.crashes) == ("timed_out", 1, 0)
    assert len(notes(file, "told")) == len(notes(file, "finally")) == 1
    (error,) = results.get(str(late.pk)).errors
    assert error.exception_class_path == "jobqueue.errors.TimeLimitExceeded"
    assert not Entry.objects.exists()
    check_undisturbed(others, notes(file, "start")[0].pid)


def test_one_of_them_is_cancelled(others, enqueue_some):
    job, file = enqueue_some(many_tasks.until_cancelled_as_coroutine)
    wait_until(lambda: notes(file, "start"), 30)
    lifecycle.cancel(job.pk)
    wait_until(lambda: notes(file, "told") and notes(file, "finally"))
    assert Job.objects.get(pk=job.pk).outcome == "cancelled"
    check_undisturbed(others, notes(file, "start")[0].pid)


def test_what_it_leaves_behind_is_ended_with_it(others, enqueue_some):
    job, file = enqueue_some(many_tasks.leave_others_behind)
    wait_done(Job.objects.filter(pk=job.pk))
    assert len(notes(file, "finally")) == 1
    assert not Entry.objects.exists()
    check_undisturbed(others, notes(file, "finally")[0].pid)


def test_one_that_blocks_the_loop_takes_the_executor_and_costs_the_others_nothing(others, enqueue_some):
    blocks, file = enqueue_some(many_tasks.block_the_loop)
    (row,) = wait_done(Job.objects.filter(pk=blocks.pk), "FAILED")
    assert (row.outcome, row.failures, row.crashes, len(notes(file, "start"))) == ("timed_out", 1, 0, 1)
    for other in others:
        assert other.wait_started(2).pid != other.starts[0].pid
        other.let_go()
        other.check_done(runs=2)
        assert (other.row.failures, other.row.crashes) == (0, 0)


def test_one_whose_fault_it_is_that_another_is_late_is_charged(others, enqueue_some):
    blocks, file = enqueue_some(many_tasks.keep_the_loop)
    wait_until(lambda: notes(file, "start"), 30)
    late, late_file = enqueue_some(many_tasks.late_as_coroutine)
    wait_until(lambda: notes(late_file, "start"))
    open_gate(file)
    row = wait_until(lambda: Job.objects.filter(pk=blocks.pk, crashes=1).first(), 30)
    assert "kept the event loop to itself" in Attempt.objects.filter(job_id=row.pk, outcome="crashed").get().traceback
    wait_until(lambda: Attempt.objects.filter(job_id=late.pk, outcome="released").exists(), 30)
    lifecycle.cancel(row.pk)  # It would run alone, and for ever.
    for other in others:
        other.let_go()
    for other in others:
        other.check_done(runs=2)
        assert (other.row.failures, other.row.crashes) == (0, 0)


def test_when_their_process_is_killed_they_run_again(others):
    os.kill(others[0].starts[0].pid, signal.SIGKILL)
    for other in others:
        other.let_go()  # One after the other, in whichever order.
    for other in others:
        other.check_done(runs=2)
        assert (other.row.failures, other.row.crashes) == (0, 1)


def test_what_a_frozen_worker_writes_when_it_wakes_up_is_refused(start, start_on, enqueue, backend_alias):
    frozen = start("--name", "frozen", env={"JOBQUEUE_TEST_WITHOUT_CONSCIENCE": "1"})
    jobs = [enqueue(many_tasks.hold_as_coroutine, backend=backend_alias) for _ in range(3)]
    (pid,) = {job.wait_started().pid for job in jobs}
    start_on(backend_alias, "--name", "awake", concurrency=3).wait_started()

    frozen.signal_group(signal.SIGSTOP)
    for job in jobs:
        job.wait_started(2)
        job.let_go()
        job.check_done(runs=2)
    os.kill(pid, signal.SIGCONT)
    for job in jobs:
        attempt = wait_until(lambda job=job: next((a for a in job.attempts if a.refused_writes), None))
        assert (attempt.number, attempt.refused_writes) == (1, 1)
        job.check_done(runs=2)
    assert Counter.objects.filter(value=1).count() == len(jobs)
