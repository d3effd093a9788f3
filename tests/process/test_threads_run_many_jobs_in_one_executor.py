"""`--threads T`: T jobs at once in a process, each with its own thread, connections, fence, time limit and end."""

import itertools
import os
import signal

import pytest
from django.db import connection

from jobqueue import lifecycle, results
from jobqueue.models import Attempt, Job
from tests.app import effect_tasks, many_tasks
from tests.app.models import Entry
from tests.app.record import notes, open_gate
from tests.app.slow_tasks import hold, hold_in_a_step, hold_in_steps
from tests.waiting import wait_until

THREADS = 4


def wait_done(rows, status="SUCCESSFUL"):
    wait_until(lambda: not rows.exclude(status=status).exists(), 30)
    return list(rows)


@pytest.fixture
def start(start_on, backend_alias):
    """Give `start(…)`: a worker with one executor of four threads."""
    return lambda *flags, **how: start_on(backend_alias, "--threads", str(THREADS), *flags, **how)


def test_they_run_at_once_and_each_knows_its_own_job(start, backend_alias, tmp_path):
    calls = [((str(tmp_path / "meeting"), THREADS), {})] * 2 * THREADS
    made = many_tasks.meet.using(backend=backend_alias).enqueue_many(calls)
    start()
    rows = wait_done(Job.objects.filter(pk__in=[result.id for result in made]))
    told = [row.result for row in rows]
    assert [job_id for job_id, _, _ in told] == [str(row.pk) for row in rows]
    assert len({pid for _, pid, _ in told}) == 1
    assert len({thread for _, _, thread in told}) == THREADS


@pytest.mark.skipif(connection.vendor == "sqlite", reason="Two cannot write to it at once.")
def test_their_transactions_are_their_own(start, backend_alias, tmp_path):
    file = str(tmp_path / "meeting")
    task = many_tasks.meet_and_write.using(backend=backend_alias)
    made = [task.enqueue(file, THREADS, f"writer {number}", number == 2) for number in range(THREADS)]
    start()
    Job.objects.filter(pk=made[2].id).update(failures=2)  # Its last attempt.
    rows = Job.objects.filter(pk__in=[result.id for result in made]).order_by("pk")
    wait_until(lambda: not rows.filter(status__in=("READY", "RUNNING")).exists(), 30)
    assert [row.status for row in rows] == ["SUCCESSFUL", "SUCCESSFUL", "FAILED", "SUCCESSFUL"]
    written = sorted(Entry.objects.values_list("note", flat=True))
    assert written == sorted(2 * [f"writer {number}" for number in (0, 1, 3)])


def test_a_time_limit_ends_one_of_them(start, enqueue, enqueue_some, backend_alias):
    start()
    others = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_steps)]
    for other in others:
        other.wait_started()
    late, file = enqueue_some(many_tasks.listens_in_its_thread)
    (row,) = wait_done(Job.objects.filter(pk=late.pk), "FAILED")
    assert (row.outcome, row.failures, row.crashes) == ("timed_out", 1, 0)
    assert len(notes(file, "told-TimeLimitExceeded")) == len(notes(file, "finally")) == 1
    (error,) = results.get(str(late.pk)).errors
    assert error.exception_class_path == "jobqueue.errors.TimeLimitExceeded"
    assert "longer than the task's timeout" in error.traceback
    assert not Entry.objects.exists()
    for other in others:
        other.let_go()
        other.check_done(runs=1)
        assert other.starts[0].pid == notes(file, "start")[0].pid


def test_one_of_them_is_cancelled(start, enqueue, enqueue_some, backend_alias):
    start()
    other = enqueue(hold, backend=backend_alias)
    other.wait_started()
    job, file = enqueue_some(many_tasks.until_cancelled_in_its_thread)
    wait_until(lambda: notes(file, "start"), 30)
    lifecycle.cancel(job.pk)
    wait_until(lambda: notes(file, "told-LeaseLost"))
    other.let_go()
    other.check_done(runs=1)
    assert Job.objects.get(pk=job.pk).outcome == "cancelled"
    assert other.starts[0].pid == notes(file, "start")[0].pid


def test_one_that_hangs_takes_the_executor_and_costs_the_others_nothing(start, enqueue, enqueue_some, backend_alias):
    worker = start()
    others = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_steps)]
    for other in others:
        other.wait_started()
    hung, file = enqueue_some(many_tasks.hang)
    (row,) = wait_done(Job.objects.filter(pk=hung.pk), "FAILED")
    assert (row.outcome, row.failures, row.crashes, len(notes(file, "start"))) == ("timed_out", 1, 0, 1)
    assert "did not stop when it was told" in results.get(str(hung.pk)).errors[0].traceback
    for other in others:
        assert other.wait_started(2).pid != other.starts[0].pid
        other.let_go()
        other.check_done(runs=2)
        assert (other.row.failures, other.row.crashes) == (0, 0)
        assert other.attempts[0].outcome == "released"
    assert worker.poll() is None


def test_when_it_is_killed_each_is_charged_and_runs_alone_next(start, enqueue, backend_alias):
    start()
    jobs = [enqueue(hold, 1.0, backend=backend_alias) for _ in range(3)]
    for job in jobs:
        job.wait_started()
    (pid,) = {job.starts[0].pid for job in jobs}
    os.kill(pid, signal.SIGKILL)
    for job in jobs:
        job.check_done(runs=2)
        assert (job.row.failures, job.row.crashes) == (0, 1)
        assert "killed by signal 9" in job.attempts[0].traceback
    times = sorted((job.starts[1].at, job.said("write")[0].at) for job in jobs)
    for (_, end), (start_of_next, _) in itertools.pairwise(times):
        assert start_of_next > end, "two suspects ran at once"


def test_a_poison_job_is_found_out_and_no_innocent_fails_for_it(start, enqueue, backend_alias):
    worker = start()
    poison = enqueue(many_tasks.poison, backend=backend_alias)
    poison.wait_started()
    innocents = [enqueue(hold, 1.5, backend=backend_alias) for _ in range(3)]
    for job in innocents:
        job.wait_started()
    poison.let_go()
    row = poison.wait_status("FAILED", seconds=40)
    assert (row.outcome, row.crashes, len(poison.starts)) == ("crashed", 3, 3)
    for job in innocents:
        job.check_done(runs=2)
        assert (job.row.failures, job.row.crashes) == (0, 1)
    assert worker.poll() is None
    # And then they share it again.
    file = poison.file + ".meeting"
    calls = [((file, THREADS), {})] * THREADS
    made = many_tasks.meet.using(backend=backend_alias).enqueue_many(calls)
    wait_done(Job.objects.filter(pk__in=[result.id for result in made]))


def test_one_that_has_crashed_before_waits_for_an_executor_of_its_own(start, enqueue, backend_alias):
    start()
    first = enqueue(hold, backend=backend_alias)
    first.wait_started()
    suspect = enqueue(hold, backend=backend_alias)
    Job.objects.filter(pk=suspect.id, status="READY").update(crashes=1)
    if not suspect.starts:  # It may have been claimed before that.
        third = enqueue(hold, backend=backend_alias)
        first.let_go()
        first.check_done(runs=1)
        suspect.wait_started()
        suspect.let_go()
        suspect.check_done(runs=1)
        third.wait_started()
        third.let_go()
        third.check_done(runs=1)


def test_what_a_frozen_worker_writes_when_it_wakes_up_is_refused(start, start_on, enqueue, backend_alias):
    frozen = start("--name", "frozen", env={"JOBQUEUE_TEST_WITHOUT_CONSCIENCE": "1"})
    jobs = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_a_step)]
    (pid,) = {job.wait_started().pid for job in jobs}
    wait_until(lambda: jobs[1].said("wait"))
    start_on(backend_alias, "--name", "awake", concurrency=2).wait_started()

    frozen.signal_group(signal.SIGSTOP)
    for job in jobs:
        job.wait_started(2)
        job.let_go()
        job.check_done(runs=2)
    written = {job: len(job.said("write")) for job in jobs}
    os.kill(pid, signal.SIGCONT)
    for job in jobs:
        attempt = wait_until(lambda job=job: next((a for a in job.attempts if a.refused_writes), None))
        assert (attempt.number, attempt.refused_writes) == (1, 1)
        assert [write.pid for write in job.said("write")[written[job] :]] == [pid]
        job.check_done(runs=2)
        assert (job.row.crashes, job.row.failures) == (1, 0)


def test_what_does_not_end_within_the_grace_is_handed_back(start, enqueue, backend_alias):
    worker = start(grace=0.5)
    jobs = [enqueue(task, backend=backend_alias) for task in (hold, hold_in_steps, hold)]
    for job in jobs:
        job.wait_started()
    jobs[2].let_go()
    worker.terminate()
    assert worker.wait(30) == 0
    jobs[2].check_done(runs=1)
    for job in jobs[:2]:
        row = job.row
        assert (row.status, row.outcome, row.failures, row.crashes) == ("READY", "released", 0, 0)


def test_an_executor_is_replaced_when_all_that_it_runs_has_ended(start, enqueue, backend_alias):
    start("--max-jobs", "2")
    slow = enqueue(hold, backend=backend_alias)
    slow.wait_started()
    pids = [effect_tasks.pid.using(backend=backend_alias).enqueue().id for _ in range(2)]
    wait_done(Job.objects.filter(pk__in=pids))
    slow.let_go()
    slow.check_done(runs=1)
    after = effect_tasks.pid.using(backend=backend_alias).enqueue().id
    (row,) = wait_done(Job.objects.filter(pk=after))
    assert row.result != slow.starts[0].pid
    assert (slow.row.crashes, Attempt.objects.filter(outcome="released").count()) == (0, 0)


def test_what_waits_behind_long_ones_begins_when_one_of_them_ends(start, enqueue, backend_alias):
    worker = start()
    jobs = [enqueue(hold, backend=backend_alias) for _ in range(THREADS + 2)]
    wait_until(lambda: sum(bool(job.starts) for job in jobs) == THREADS, 30)
    open_gate(jobs[0].file)
    wait_until(lambda: sum(bool(job.starts) for job in jobs) == THREADS + 1, 30)
    for job in jobs:
        job.let_go()
    for job in jobs:
        job.check_done(runs=1)
    assert worker.poll() is None
