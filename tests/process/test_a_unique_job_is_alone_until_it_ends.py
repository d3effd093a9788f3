"""The key of a job that runs is held through the death of its worker, and free once the job has ended or begun."""

from __future__ import annotations

import signal
from typing import Any

from django.tasks import TaskResult, TaskResultStatus

from jobqueue.models import Job
from tests.app.unique_tasks import hold_alone, hold_waiting
from tests.process.slow_jobs import SlowJob
from tests.waiting import wait_until


def again(task: Any, job: SlowJob) -> TaskResult:
    result: TaskResult = task.using(backend=job.backend).enqueue(job.counter.pk, job.file)
    return result


def test_an_active_one_also_when_its_worker_is_killed(start_on: Any, enqueue: Any, backend_alias: str) -> None:
    victim = start_on(backend_alias, "--name", "victim")
    job = enqueue(hold_alone, backend=backend_alias)
    assert again(hold_alone, job).id == str(job.id)
    job.wait_started()
    assert again(hold_alone, job).id == str(job.id)
    start_on(backend_alias, "--name", "rescuer").wait_started()

    victim.signal_group(signal.SIGKILL)
    assert again(hold_alone, job).id == str(job.id)
    job.wait_attempt_ended()
    assert again(hold_alone, job).id == str(job.id)
    job.wait_started(2)
    job.let_go()
    job.check_done(runs=2)

    second = again(hold_alone, job)
    assert second.id != str(job.id)
    wait_until(lambda: Job.objects.get(pk=second.id).status == TaskResultStatus.SUCCESSFUL, 20)
    job.counter.refresh_from_db()
    assert job.counter.value == Job.objects.count() == 2


def test_a_waiting_one_until_it_begins(start_on: Any, enqueue: Any, backend_alias: str) -> None:
    job = enqueue(hold_waiting, backend=backend_alias)
    assert again(hold_waiting, job).id == str(job.id)
    worker = start_on(backend_alias, concurrency=2)
    job.wait_started()
    second = again(hold_waiting, job)
    assert second.id != str(job.id)
    job.wait_started(2)
    worker.terminate()
    job.let_go()
    worker.wait()
    assert Job.objects.count() == 2
