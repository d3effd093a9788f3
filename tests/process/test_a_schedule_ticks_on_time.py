"""Real workers, of which none leads: each tick runs once, within about a second of its time, whoever is killed."""

import itertools
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from jobqueue import schedules
from jobqueue.models import Job, LedgerEntry, Schedule
from tests import rows
from tests.app import tasks
from tests.app.models import Counter
from tests.waiting import wait_until


def keys():
    entries = LedgerEntry.objects.filter(scope="schedule:often").order_by("key")
    return [datetime.fromisoformat(key) for key in entries.values_list("key", flat=True)]


def succeeded():
    return Job.objects.filter(status="SUCCESSFUL").count()


def test_each_tick_of_two_workers_runs_once_and_one_may_be_killed(start_worker):
    counter = Counter.objects.create()
    workers = [start_worker("--concurrency", "1") for _ in range(2)]
    for worker in workers:
        worker.wait_started()
    rows.schedule("often", tasks.add, counter.pk, every=1, missed="all")
    wait_until(lambda: succeeded() >= 3, 30.0)
    workers[0].signal_group(9)
    before = len(keys())
    wait_until(lambda: len(keys()) >= before + 3, 30.0)
    schedules.pause("often")
    made = Job.objects.count()
    wait_until(lambda: succeeded() == made, 40.0)
    counter.refresh_from_db()
    ticks = keys()
    assert counter.value == made == len(ticks)
    assert {later - earlier for earlier, later in itertools.pairwise(ticks)} == {timedelta(seconds=1)}


@pytest.mark.parametrize("alias", ["default", "plain"])
def test_a_tick_comes_when_it_is_due(start_worker, alias):
    worker = start_worker("--concurrency", "1", "--backend", alias)
    worker.wait_started()
    made = rows.schedule("once", tasks.echo, "x", every=3600)
    due = timezone.now() + timedelta(seconds=3)
    Schedule.objects.filter(pk=made.pk).update(next_at=due, starts_at=due - timedelta(hours=1))
    job = wait_until(lambda: Job.objects.first(), 30.0)
    assert timedelta(0) <= job.enqueued_at - due < timedelta(seconds=1.5)
    wait_until(lambda: "Schedule once ticked: job" in worker.output)


def test_what_code_declares_is_there_when_a_worker_has_started(start_worker):
    start_worker("--concurrency", "1", env={"JOBQUEUE_TEST_SCHEDULE": "declared"}).wait_started()
    declared = Schedule.objects.get(name="declared")
    assert (declared.declared, declared.task_path, declared.every) == (True, tasks.echo.module_path, 3600)
