"""Real workers die or freeze while their bodies write to another database: what they write there happens once."""

import os
import signal

import pytest
from django.db import connections

from tests.app.abroad_tasks import (
    hold_in_a_step_there,
    hold_in_a_step_there_as_coroutine,
    hold_there,
    hold_there_as_coroutine,
)
from tests.app.many_tasks import hold_as_coroutine
from tests.app.slow_tasks import hold
from tests.process.slow_jobs import SlowJob
from tests.waiting import wait_until

BOTH = pytest.mark.parametrize("task", [hold_there, hold_in_a_step_there], ids=lambda task: task.name)
LONG = 60.0


@pytest.fixture
def enqueue(start_worker, tmp_path):
    """Give `enqueue(task)`; in the end all its jobs are let go, so that no worker is kept."""
    jobs = []

    def enqueue(task):
        jobs.append(SlowJob(task, tmp_path / f"{task.name}-{len(jobs)}", backend="plain"))
        return jobs[-1]

    yield enqueue
    for job in jobs:
        job.let_go()


@pytest.fixture
def start(start_worker):
    """Give `start(name, *flags, **env)`: a worker with little patience, of one executor unless flags say otherwise."""

    def start(name, *flags, **env):
        flags = ["--backend", "plain", "--concurrency", "1", "--grace", "1", "--no-reload", *flags]
        env = {"JOBQUEUE_TEST_WITHOUT_CONSCIENCE": "1", **env}
        return start_worker(*flags, "--name", name, env=env)

    return start


def check_done_once(job):
    """Check that the job succeeded, and that its counter was raised by one run of each of its steps."""
    job.wait_status("SUCCESSFUL", "FAILED", seconds=LONG)
    job.check_done(runs=len(job.starts))


@BOTH
@pytest.mark.parametrize("point", ["fence.before", "fence.after", "fence.committed"])
def test_killed_around_the_commit(start, enqueue, tmp_path, task, point):
    nth = 1 if task is hold_there else 2
    order = f"{point}=kill,role=executor,nth={nth},marker={tmp_path / 'reached'}"
    start("victim", JOBQUEUE_POINT=order)
    job = enqueue(task)
    job.let_go()
    check_done_once(job)
    # A body that is one transaction does not begin again once that is committed.
    assert len(job.starts) == (1 if (task, point) == (hold_there, "fence.committed") else 2)
    assert job.row.crashes == 1


@pytest.mark.parametrize(
    ("flags", "tasks"),
    [
        (["--concurrency", "2"], [hold_there, hold_in_a_step_there]),
        (["--async-concurrency", "2"], [hold_there_as_coroutine, hold_in_a_step_there_as_coroutine]),
    ],
    ids=["functions", "coroutines of one loop"],
)
def test_what_a_frozen_worker_writes_when_it_wakes_up_is_refused(start, enqueue, flags, tasks):
    frozen = start("frozen", *flags)
    jobs = [enqueue(task) for task in tasks]
    late = {job: job.wait_started(seconds=LONG).pid for job in jobs}
    wait_until(lambda: jobs[1].said("wait"), LONG)
    # What was lost with others beside it runs alone in an executor.
    start("awake", *flags, "--concurrency", "2").wait_started(LONG)

    frozen.signal_group(signal.SIGSTOP)
    again = {job: job.wait_started(2, LONG).pid for job in jobs}

    # The worker itself sleeps on: awake, it would stop its executors before they could write.
    for job, pid in late.items():
        job.let_go(pid)
        os.kill(pid, signal.SIGCONT)
    for job in jobs:
        attempt = wait_until(lambda job=job: next((a for a in job.attempts if a.refused_writes), None), LONG)
        assert (attempt.number, attempt.refused_writes) == (1, 1)
    for job, pid in again.items():
        job.let_go(pid)
        job.wait_status("SUCCESSFUL", "FAILED", seconds=LONG)
        job.check_done(runs=2)
        assert job.row.worker_id.startswith("awake-")


@pytest.mark.parametrize("point", ["fence.after", "fence.committed"])
def test_frozen_between_the_two_commits(start, enqueue, tmp_path, point):
    """Where the database lets go of its rows, another worker has the job by then; it must not do it again."""
    marker = tmp_path / "reached"
    frozen = start("frozen", JOBQUEUE_POINT=f"{point}=freeze,role=executor,marker={marker}")
    job = enqueue(hold_there)
    job.wait_started(seconds=LONG)
    awake = start("awake")
    awake.wait_started(LONG)
    job.let_go()
    wait_until(marker.exists, LONG)
    frozen.signal_group(signal.SIGSTOP)
    if connections["jobs"].vendor != "sqlite":
        wait_until(lambda: job.row.attempt > 1, LONG)
    frozen.signal_group(signal.SIGCONT)
    check_done_once(job)


@pytest.mark.parametrize(
    ("flag", "tasks"),
    [
        ("--threads", [hold_there, hold_in_a_step_there, hold]),
        ("--async-concurrency", [hold_there_as_coroutine, hold_in_a_step_there_as_coroutine, hold_as_coroutine]),
    ],
    ids=["threads", "coroutines"],
)
def test_of_those_that_share_a_process_each_writes_where_its_own_job_may(start, enqueue, flag, tasks):
    start("shared", flag, "3")
    jobs = [enqueue(task) for task in tasks]
    for job in jobs:
        job.wait_started()
    for job in jobs:
        job.let_go()
    for job in jobs[:2]:
        check_done_once(job)
    assert jobs[2].wait_attempt_ended(seconds=LONG).exception_class == "jobqueue.errors.UnfencedWrite"
    jobs[2].counter.refresh_from_db()
    assert jobs[2].counter.value == 0
