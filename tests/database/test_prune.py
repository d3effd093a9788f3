"""prune: finished jobs go, with their attempts and steps; what was enqueued under a key stays known."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.tasks import task_backends
from django.tasks.exceptions import TaskResultDoesNotExist
from django.utils import timezone

from jobqueue import ledger, lifecycle
from jobqueue.models import Attempt, AttemptLog, Job, LedgerEntry, Worker
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db
NOW = timedelta(0)


def finished(days=0, **using):
    claim = rows.claimed(**using)
    lifecycle.succeed(connection, claim.fence, '"done"')
    Job.objects.filter(pk=claim.job_id).update(finished_at=F("finished_at") - timedelta(days=days))
    return claim


def result(job_id):
    return task_backends["default"].get_result(str(job_id))


def everything_of(answer):
    return {
        name: getattr(answer, name)
        for name in ("id", "status", "enqueued_at", "started_at", "last_attempted_at", "finished_at", "args", "kwargs")
    } | {
        "errors": [(error.exception_class_path, error.traceback) for error in answer.errors],
        "workers": answer.worker_ids,
        "value": answer._return_value,
        "task": answer.task.module_path,
        "priority": answer.task.priority,
        "queue": answer.task.queue_name,
    }


def test_only_what_is_finished_and_old_enough_goes():
    old, new = finished(days=8), finished(days=6)
    failed = rows.claimed()
    lifecycle.fail(failed.fence, rows.FAILED_FOR_GOOD)
    Job.objects.filter(pk=failed.job_id).update(finished_at=timezone.now() - timedelta(days=8))
    running, waiting = rows.claimed(), rows.enqueue()

    assert lifecycle.prune("default", older_than=timedelta(days=7)) == 2
    assert {job.pk for job in Job.objects.all()} == {new.job_id, running.job_id, waiting}
    assert rows.everything(old.job_id) is None


def test_other_backends_are_left_alone():
    finished()
    assert lifecycle.prune("plain", older_than=NOW) == 0


def test_it_goes_in_small_batches_the_oldest_first():
    ids = [finished(days=day).job_id for day in (1, 3, 2)]
    assert lifecycle.prune("default", older_than=NOW, limit=2) == 2
    assert {job.pk for job in Job.objects.all()} == {ids[0]}
    assert lifecycle.prune("default", older_than=NOW, limit=2) == 1
    assert lifecycle.prune("default", older_than=NOW, limit=2) == 0


def test_attempts_logs_and_steps_go_with_their_job_and_those_of_others_stay():
    gone, stays = rows.claimed(), rows.claimed()
    for claim in (gone, stays):
        with transaction.atomic():
            ledger.record_step(claim.fence, "step", "1")
        lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    (again,) = rows.claim()
    lifecycle.succeed(connection, again.fence, None)
    lifecycle.keep_logs({(claim.job_id, claim.token): "a line" for claim in (gone, stays, again)})

    lifecycle.prune("default", older_than=NOW)
    assert [log.job_id for log in AttemptLog._default_manager.all()] == [stays.job_id]
    assert [attempt.job_id for attempt in Attempt.objects.all()] == [stays.job_id]
    assert [entry.job_id for entry in LedgerEntry.objects.all()] == [stays.job_id]


def succeeds(claim):
    lifecycle.succeed(connection, claim.fence, '{"answer": ["ü", 42]}')


def succeeds_in_the_second_attempt(claim):
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    succeeds(rows.claim("w-2")[0])


def succeeds_after_it_was_handed_back(claim):
    lifecycle.release([claim.fence], started=True)
    succeeds(rows.claim("w-2")[0])


def fails(claim):
    lifecycle.crash(claim.fence, rows.CRASHED_FOR_NOW)
    lifecycle.fail(rows.claim("w-2")[0].fence, rows.FAILED_FOR_GOOD)


def is_cancelled(claim):
    lifecycle.cancel(claim.job_id)


@pytest.mark.parametrize(
    "end", [succeeds, succeeds_in_the_second_attempt, succeeds_after_it_was_handed_back, fails, is_cancelled]
)
def test_the_result_of_what_had_a_key_is_remembered_whole(end):
    claim = rows.claimed(idempotency_key="k", priority=5)
    end(claim)
    before = everything_of(result(claim.job_id))
    assert lifecycle.prune("default", older_than=NOW) == 1
    assert everything_of(result(claim.job_id)) == before


def test_a_repeated_enqueue_is_answered_with_the_remembered_result():
    claim = rows.claimed(idempotency_key="k")
    succeeds(claim)
    lifecycle.prune("default", older_than=NOW)
    answer = tasks.echo.using(idempotency_key="k").enqueue()
    assert (answer.id, answer.return_value) == (str(claim.job_id), {"answer": ["ü", 42]})
    assert Job.objects.count() == 0


def test_what_had_no_key_is_forgotten():
    claim = finished()
    lifecycle.prune("default", older_than=NOW)
    with pytest.raises(TaskResultDoesNotExist):
        result(claim.job_id)


def test_what_is_nested_as_deep_as_allowed_is_remembered():
    """The ledger wraps a result once more, and MariaDB takes 31 levels."""
    claim = rows.claimed(idempotency_key="k")
    lifecycle.succeed(connection, claim.fence, "[" * 30 + "]" * 30)
    assert lifecycle.prune("default", older_than=NOW) == 1
    assert ledger.remembered(claim.job_id)


def test_workers_that_are_long_gone_go_too():
    rows.worker("gone", beat_ago=100)
    rows.worker("lives", beat_ago=0)
    rows.worker("owns", beat_ago=100)
    rows.claimed("owns")
    assert lifecycle.prune_workers(older_than=timedelta(seconds=50)) == 1
    assert {worker.id for worker in Worker.objects.all()} == {"lives", "owns"}
