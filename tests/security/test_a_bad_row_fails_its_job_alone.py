"""A row that jobqueue did not write fails its own job, with a sentence; the worker and everybody else's jobs go on."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.tasks.signals import task_finished, task_started

from jobqueue import lifecycle, once, results
from jobqueue.errors import InvalidRow
from jobqueue.models import Attempt, Job, LedgerEntry
from jobqueue.worker.messages import How
from tests.app.tasks import echo
from tests.effects.conftest import stage as stage
from tests.effects.emptied import transactional_db as transactional_db
from tests.effects.runs import Run, Stage
from tests.security.rows import BAD_ARGUMENTS, spoil, spoil_arguments, write
from tests.waiting import wait_until


def check_failed(run: Run, says: str = "not written by jobqueue") -> None:
    """Check that a run ended its job for good, as a bad row, with a message."""
    assert (run.job.status, run.job.outcome, run.job.failures) == ("FAILED", "invalid", 1)
    assert run.attempt.exception_class == "jobqueue.errors.InvalidRow"
    assert says in run.message
    assert str(run.id) in run.message
    assert len(run.attempt.traceback) < 10_000


def done(stage: Stage, task: Any, *args: Any) -> UUID:
    """Run a job that leaves nothing but its value, settle it as its worker would, and return its id."""
    run = stage.perform(task, *args)
    assert lifecycle.settle(connection, [(run.claim.fence, run.value)]) == {run.id}
    return run.id


@pytest.fixture(params=[False, True], ids=["nobody listens", "somebody listens"])
def listened(request: pytest.FixtureRequest, stage: Stage) -> Generator[list[Any]]:
    """Give what receivers of the signals hear, who are there or not."""
    heard: list[Any] = []

    def hear(task_result: Any, **_: Any) -> None:
        heard.append(task_result)

    if request.param:
        task_started.connect(hear)
        task_finished.connect(hear)
    stage.listen()
    yield heard
    task_started.disconnect(hear)
    task_finished.disconnect(hear)


@pytest.mark.parametrize("why", BAD_ARGUMENTS)
def test_bad_arguments_fail_a_job_for_good_and_the_next_one_is_run(stage: Stage, listened: Any, why: str) -> None:
    bad = stage.enqueue(echo, 1)
    if not spoil_arguments(bad.id, why):
        return

    run = stage.run(stage.claim(echo, bad.id))

    check_failed(run)
    assert listened == []
    assert stage.perform(echo, 2).how in (How.VALUE, How.SETTLED)
    with pytest.raises(InvalidRow, match=bad.id):
        results.get(bad.id)


def test_of_a_name_that_is_there_twice_the_last_counts_everywhere(stage: Stage) -> None:
    job = stage.enqueue(echo, 1)
    assert spoil(UUID(job.id), arguments='{"args": [1], "kwargs": {}, "args": [2]}')
    assert results.get(job.id).args == [2]
    run = stage.run(stage.claim(echo, job.id))
    assert run.value == "2"


@pytest.mark.parametrize("value", ["{nonsense", '"\\ud800"', "[" * 900 + "]" * 900], ids=["no JSON", "half", "deep"])
def test_a_bad_value_of_a_step_fails_its_job_and_the_step_is_not_repeated(stage: Stage, value: str) -> None:
    def body() -> None:
        once("step", lambda: 1)
        raise LookupError

    first = stage.perform(body, effects="steps")
    entry = LedgerEntry.objects.get(job_id=first.id)
    if not write(LedgerEntry, entry.pk, value=value):
        return
    steps: list[int] = []

    def again() -> None:
        once("step", lambda: steps.append(1))

    run = stage.again(again, effects="steps")
    assert (run.job.status, run.job.outcome, run.error) == ("FAILED", "invalid", "InvalidRow")
    assert steps == []


def test_a_bad_result_is_an_error_of_whoever_asks_for_it(stage: Stage) -> None:
    job_id = done(stage, echo, 1)
    if not spoil(job_id, result="[" * 900 + "]" * 900):
        return
    with pytest.raises(InvalidRow, match="result in the row"):
        results.get(str(job_id))


def test_a_status_that_is_none_is_an_error_of_whoever_asks_for_it(stage: Stage) -> None:
    job = stage.enqueue(echo, 1)
    Job.objects.update(status="<b>odd</b>"[:10])
    with pytest.raises(InvalidRow, match="status"):
        results.get(job.id)


@pytest.mark.parametrize("levels", [0, 31, 900])
@pytest.mark.parametrize("column", ["arguments", "result"])
def test_bad_rows_are_pruned_with_the_others(stage: Stage, column: str, levels: int) -> None:
    """What is kept of a job under a key is made of its columns."""
    for key in ("bad", "good"):
        done(stage, echo.using(idempotency_key=key), 1)
    bad, good = Job.objects.order_by("id")
    if not spoil(bad.pk, **{column: "[" * levels + "]" * levels if levels else '{"args": 5}'}):
        return

    assert lifecycle.prune("default", older_than=timedelta(0)) == 2

    assert results.get(str(good.pk)).return_value == 1
    if column == "arguments" or levels:
        with pytest.raises(InvalidRow, match=str(bad.pk)):
            results.get(str(bad.pk))


@pytest.mark.parametrize(
    "value", ["5", "[]", '"text"', '{"arguments": 5}', '{"arguments": {"args": [], "kwargs": {}}}']
)
def test_what_the_ledger_keeps_may_be_bad_too(stage: Stage, value: str) -> None:
    job_id = done(stage, echo.using(idempotency_key="k"), 1)
    lifecycle.prune("default", older_than=timedelta(0))
    assert write(LedgerEntry, LedgerEntry.objects.get().pk, value=value)
    with pytest.raises(InvalidRow, match=str(job_id)):
        results.get(str(job_id))


@pytest.mark.django_db(transaction=True)
def test_a_worker_outlives_them_all(start_worker: Any) -> None:
    """Thirty good jobs among bad ones: no executor dies of them."""
    bad = []
    for number, why in enumerate(BAD_ARGUMENTS):
        job = echo.enqueue(number)
        if spoil_arguments(job.id, why):
            bad.append(UUID(job.id))
        echo.enqueue(number)
    worker = start_worker("--concurrency", "1", "--burst", "--no-reload")

    wait_until(lambda: not Job.objects.filter(status__in=["READY", "RUNNING"]).exists(), 60)

    assert len(bad) >= 6
    assert set(Job.objects.filter(status="FAILED", outcome="invalid").values_list("pk", flat=True)) == set(bad)
    assert not Job.objects.exclude(pk__in=bad).exclude(status="SUCCESSFUL").exists()
    assert not Job.objects.exclude(crashes=0).exists()
    assert not Attempt.objects.exclude(outcome__in=["invalid", "ok", ""]).exists()
    assert worker.wait(20) == 0
    assert "is gone" not in worker.output
