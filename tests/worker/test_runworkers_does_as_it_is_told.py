"""The flags of `manage.py runworkers`, with real workers; and what it refuses to start with, and says so."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from jobqueue.models import Job, Worker
from tests.app import effect_tasks
from tests.app.record import note, notes
from tests.app.tasks import boom, echo
from tests.waiting import wait_until

# Starting takes its time on a busy machine.
SOON = 60.0


def statuses(*results):
    rows = dict(Job.objects.values_list("id", "status"))
    return [rows[Job.objects.get(pk=result.id).pk] for result in results]


def test_a_burst_does_what_is_due_in_its_queues_and_ends(start_worker):
    done = [echo.enqueue(number) for number in range(50)]
    failed = boom.enqueue()
    left = effect_tasks.leave.enqueue()
    mail = echo.using(queue_name="mail").enqueue(1)
    later = echo.using(run_after=timezone.now() + timedelta(hours=1)).enqueue(1)
    unknown = echo.enqueue(1)
    Job.objects.filter(pk=unknown.id).update(task_path="tests.not_deployed_here.task")

    worker = start_worker("--burst", "--queues", "default", "--concurrency", "2", "--name", "bursting")
    assert worker.wait(SOON) == 0

    assert set(statuses(*done)) == {"SUCCESSFUL"}
    assert statuses(mail, later, unknown) == ["READY"] * 3
    rows = {result.id: Job.objects.get(pk=result.id) for result in (failed, left, unknown)}
    assert rows[failed.id].failures >= 1
    assert rows[left.id].failures >= 1
    assert (rows[left.id].crashes, rows[unknown.id].attempt) == (0, 0)
    row = Worker.objects.get()
    assert (row.name, row.queues, row.concurrency, row.pid) == ("bursting", ["default"], 2, worker.pid)
    assert row.id.startswith("bursting-")
    assert row.stopped_at is not None


def test_jobs_of_higher_priority_come_first(start_worker, tmp_path):
    file = str(tmp_path / "order")
    priorities = [0, 50, -100, 100, -1, 1]
    for priority in priorities:
        effect_tasks.line.using(priority=priority).enqueue(file, "ran")
        note(file, "enqueued")
    order = [effect_tasks.line.using(priority=p).enqueue(f"{file}-{p}", "ran") and p for p in priorities]

    assert start_worker("--burst", "--concurrency", "1").wait(SOON) == 0

    ran = sorted(order, key=lambda priority: notes(f"{file}-{priority}", "ran")[0].at)
    assert ran == sorted(priorities, reverse=True)


def test_after_so_many_jobs_an_executor_is_replaced_and_no_job_is_lost(start_worker):
    results = [effect_tasks.pid.enqueue() for _ in range(40)]
    assert start_worker("--burst", "--concurrency", "1", "--max-jobs", "5").wait(SOON) == 0
    rows = Job.objects.filter(pk__in=[result.id for result in results])
    assert {row.status for row in rows} == {"SUCCESSFUL"}
    assert len({row.result for row in rows}) >= 2
    assert {(row.crashes, row.failures) for row in rows} == {(0, 0)}


def test_one_that_has_grown_too_large_is_replaced(start_worker):
    worker = start_worker("--concurrency", "1", "--max-memory", "400", "--no-reload")
    pids = []
    for megabytes in (1, 500, 1):
        result = effect_tasks.grow.enqueue(megabytes)
        wait_until(lambda result=result: statuses(result) == ["SUCCESSFUL"], SOON)
        pids.append(Job.objects.get(pk=result.id).result)
    assert pids[0] == pids[1] != pids[2]
    assert worker.poll() is None


@pytest.mark.usefixtures("transactional_db")
class TestWhatItRefuses:
    @pytest.mark.parametrize(
        ("flags", "says"),
        [
            ({"queues": "mial"}, "no queue 'mial'. Did you mean 'mail'"),
            ({"backend": "missing"}, "missing"),
            ({"concurrency": 0}, "--concurrency must be 1 or more"),
            ({"threads": 0}, "--threads must be 1 or more"),
            ({"async_concurrency": -1}, "--async-concurrency must be 1 or more"),
            ({"max_jobs": 0}, "--max-jobs must be 1 or more"),
            ({"max_memory": -1}, "--max-memory must be 1 or more"),
            ({"grace": float("nan")}, "--grace must be 0 or more"),
        ],
    )
    def test_a_flag_that_makes_no_sense(self, flags, says):
        with pytest.raises(CommandError, match=says):
            call_command("runworkers", burst=True, **flags)

    def test_a_backend_that_is_not_ours(self, settings):
        settings.TASKS = {
            **settings.TASKS,
            "immediate": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"},
        }
        with pytest.raises(CommandError, match=r"is no JobQueueBackend\. Known: default"):
            call_command("runworkers", burst=True, backend="immediate")

    def test_a_database_without_its_tables(self):
        recorder = MigrationRecorder(connection)
        recorder.record_unapplied("jobqueue", "0001_initial")
        try:
            with pytest.raises(CommandError, match=r"manage\.py migrate"):
                call_command("runworkers", burst=True)
        finally:
            recorder.record_applied("jobqueue", "0001_initial")

    def test_a_database_that_does_not_answer(self, start_worker, tmp_path):
        name = str(tmp_path / "no" / "such.file") if connection.vendor == "sqlite" else "no_such_database"
        worker = start_worker("--burst", env={"JOBQUEUE_TEST_DATABASE": name})
        assert worker.wait(SOON) == 1
        assert "CommandError: The database does not answer" in worker.output
        assert "Traceback" not in worker.output
