"""Retries: how many, how soon, and what is kept of each attempt."""

from datetime import timedelta

import pytest
from django.tasks import task

from jobqueue import Retry
from jobqueue.errors import TimeLimitExceeded
from jobqueue.models import Attempt, Job
from jobqueue.worker.backoff import default_backoff
from jobqueue.worker.messages import How
from tests.effects.runs import WORKER

asked = []


def remembers(error, result):
    asked.append((error, result.attempts, [e.exception_class_path for e in result.errors]))
    return 0


def raises(error, result):
    raise RuntimeError


def exits(error, result):
    raise SystemExit


def fail(*_):
    raise LookupError("not yet")


@task(max_attempts=3, backoff=remembers)
def three_times(what):
    fail()


@task(max_attempts=1)
def just_once():
    fail()


@task(takes_context=True, max_attempts=3, backoff=lambda error, result: 0)
def third_time_lucky(context):
    if context.attempt < 3:
        fail()
    return [context.attempt, context.task_result.attempts, len(context.task_result.errors), context.task_result.id]


@task(backoff=lambda error, result: 60)
def in_a_minute():
    fail()


@task(backoff=lambda error, result: timedelta(minutes=1))
def in_a_minute_as_timedelta():
    fail()


@task(backoff=lambda error, result: -5)
def in_the_past():
    fail()


@task(backoff=lambda error, result: None)
def given_up():
    fail()


@task(backoff=raises)
def badly_backed_off():
    fail()


@task(backoff=exits)
def exiting_backoff():
    fail()


@task(backoff=lambda error, result: "soon")
def backed_off_by_a_word():
    fail()


@task(backoff=lambda error, result: float("inf"))
def never():
    fail()


class Busy(OSError): ...


class Gone(Busy): ...


@task(retry_on=(OSError,), give_up_on=(Gone,), backoff=lambda error, result: 0)
def choosy(kind):
    raise {"busy": Busy, "gone": Gone, "other": LookupError, "late": TimeLimitExceeded, "asks": Retry}[kind]


@task(max_attempts=2, backoff=lambda error, result: 0)
def asks_for_another(after):
    raise Retry("They are busy.", after=timedelta(seconds=after) if after > 60 else after)


@task(backoff=lambda error, result: 60)
def asks_without_a_time():
    raise Retry


@task(max_attempts=20)
def patient():
    fail()


def delay(job):
    """Return in how many seconds from its failure a job is due again, by the database's own clock."""
    return (job.due_at - Attempt.objects.get(job_id=job.pk).ended_at).total_seconds()


def test_as_often_as_it_may_and_no_more(stage):
    asked.clear()
    run = stage.perform(three_times, "work")
    while run.job.status == "READY":
        run = stage.again(three_times)

    job, result = run.job, run.result
    assert (job.status, job.outcome, job.failures, job.attempt) == ("FAILED", "raised", 3, 3)
    assert job.finished_at is not None
    assert [error.exception_class for error in result.errors] == [LookupError] * 3
    assert all('raise LookupError("not yet")' in error.traceback for error in result.errors)
    assert (result.attempts, result.worker_ids) == (3, [WORKER] * 3)
    # The last failure is not asked about: there is no next attempt.
    assert [(str(error), attempts, errors) for error, attempts, errors in asked] == [
        ("not yet", 1, []),
        ("not yet", 2, ["builtins.LookupError"]),
    ]


def test_one_attempt_may_be_all(stage):
    run = stage.perform(just_once)
    assert (run.how, run.job.status, run.result.attempts) == (How.FAILED, "FAILED", 1)


def test_a_task_knows_which_attempt_it_is(stage):
    run = stage.perform(third_time_lucky)
    stage.again(third_time_lucky)
    last = stage.again(third_time_lucky)
    assert last.how == How.VALUE
    assert last.value == f'[3,3,2,"{run.id}"]'
    assert (len(last.result.errors), last.result.attempts) == (2, 3)


@pytest.mark.parametrize("later", [in_a_minute, in_a_minute_as_timedelta])
def test_the_task_says_when(stage, later):
    job = stage.perform(later).job
    assert (job.status, job.finished_at) == ("READY", None)
    assert 59 < delay(job) < 61
    assert Job.objects.ready().due().count() == 0


def test_a_delay_in_the_past_is_none(stage):
    assert abs(delay(stage.perform(in_the_past).job)) < 1


def test_none_is_to_give_up(stage):
    run = stage.perform(given_up)
    assert (run.job.status, run.job.failures, len(run.result.errors)) == ("FAILED", 1, 1)


@pytest.mark.parametrize(
    ("kind", "status"),
    [("busy", "READY"), ("gone", "FAILED"), ("other", "FAILED"), ("late", "FAILED"), ("asks", "READY")],
)
def test_the_task_says_after_which_errors(stage, kind, status):
    run = stage.perform(choosy, kind)
    assert (run.job.status, run.job.failures, len(run.result.errors)) == (status, 1, 1)


@pytest.mark.parametrize("after", [30, 90])
def test_a_body_says_when(stage, after):
    run = stage.perform(asks_for_another, after)
    assert after - 1 < delay(run.job) < after + 1
    assert run.attempt.exception_class == "jobqueue.errors.Retry"
    assert run.attempt.traceback.rstrip().endswith("They are busy.")


def test_whoever_asks_for_another_has_no_more_of_them(stage):
    stage.perform(asks_for_another, 0)
    job = stage.again(asks_for_another).job
    assert (job.status, job.outcome, job.failures) == ("FAILED", "raised", 2)


def test_a_body_that_does_not_say_when_leaves_it_to_the_task(stage):
    assert 59 < delay(stage.perform(asks_without_a_time).job) < 61


@pytest.mark.parametrize("after", [-1, float("inf"), float("nan"), True, "soon", timedelta(seconds=-1)])
def test_a_delay_that_is_none_is_refused(after):
    with pytest.raises(ValueError, match=r"Retry\(after=…\) takes a number of seconds, 0 or more, or a timedelta"):
        Retry(after=after)


@pytest.mark.parametrize("bad", [badly_backed_off, exiting_backoff, backed_off_by_a_word])
def test_a_backoff_that_fails_is_said_and_replaced(stage, caplog, bad):
    job = stage.perform(bad).job
    assert (job.status, job.failures) == ("READY", 1)
    assert -1 < delay(job) <= 3
    assert "using the default delay" in caplog.text


def test_for_ever_is_ten_years(stage):
    """No database can add more to its clock, and the failure must be written down."""
    assert delay(stage.perform(never).job) == pytest.approx(10 * 365 * 86400, abs=2)


def test_without_one_the_delay_is_random_and_grows(stage):
    ceilings = [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    for failures, ceiling in enumerate(ceilings, 1):
        delays = [default_backoff(failures) for _ in range(200)]
        assert 0 <= min(delays) < ceiling / 3
        assert ceiling * 2 / 3 < max(delays) <= ceiling
    assert default_backoff(10_000) <= 600
    assert -1 < delay(stage.perform(patient).job) <= 3
