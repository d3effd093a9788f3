"""A job that was enqueued for another version of its task fails at once, and says what has changed."""

from functools import wraps

import pytest
from django.tasks import task

from jobqueue.worker.messages import How
from tests.effects.bodies import at_once

TRACE = []


@task(backoff=at_once)
def positional(one, two=2):
    TRACE.append((one, two))
    if one == "calls":
        return helper()  # A TypeError of a call, but not of ours.
    if one == "raises":
        raise TypeError("positional() takes offence")
    if one == "recurses":
        return positional.func()
    return two


@task(backoff=at_once)
def by_name(*, amount, currency="EUR"):
    return amount


@task(backoff=at_once)
async def awaited(one):
    return one


@task(backoff=at_once, takes_context=True)
def with_context(context, one):
    return one


@task(backoff=at_once)
def only_by_position(one, /):
    return one


def given(function):
    @wraps(function)
    def call(*args, **kwargs):
        return function("given", *args, **kwargs)

    return call


@task(backoff=at_once)
@given
def decorated(gift, one):
    if one == "raises":
        raise TypeError("decorated() missing 1 required positional argument: 'nothing'")
    return [gift, one]


def helper(needed):
    return needed


def run_of(stage, declared, *args, **kwargs):
    job_id = stage.enqueue(declared, *args, **kwargs).id
    return stage.run(stage.claim(declared, job_id))


@pytest.mark.parametrize(
    ("declared", "args", "kwargs", "told"),
    [
        (positional, [], {}, "positional() now needs 'one': "),
        (positional, [1, 2, 3], {}, "positional() takes 2 positional arguments, the job has 3: "),
        (positional, [1], {"amount": 3}, "positional() no longer takes 'amount': "),
        (positional, [1], {"one": 3}, "positional() gets 'one' twice, by position and by name: "),
        (by_name, [], {"sum": 1}, "by_name() no longer takes 'sum' and now needs 'amount': "),
        (by_name, [1], {}, "by_name() takes 0 positional arguments, the job has 1 and now needs 'amount': "),
        (awaited, [1, 2], {}, "awaited() takes 1 positional argument, the job has 2: "),
        (with_context, [1, 2], {}, "with_context() takes 1 positional argument, the job has 2: "),
        (with_context, [], {}, "with_context() now needs 'one': "),
        (only_by_position, [], {"one": 1}, "only_by_position() takes 'one' by position only: "),
    ],
)
def test_it_fails_at_once_and_names_the_change(stage, declared, args, kwargs, told):
    TRACE.clear()
    run = run_of(stage, declared, *args, **kwargs)
    assert (run.how, run.error, run.job.status, run.job.outcome) == (
        How.FAILED,
        "ArgumentsChanged",
        "FAILED",
        "invalid",
    )
    assert told in run.message
    assert "then retry the job" in run.message
    assert (TRACE, run.job.failures) == ([], 1)


@pytest.mark.parametrize("what", ["calls", "raises", "recurses"])
def test_an_error_of_the_body_itself_stays_what_it_is(stage, what):
    run = run_of(stage, positional, what)
    assert (run.error, run.job.status, run.job.outcome) == ("TypeError", "READY", "raised")


def test_what_a_decorator_gives_is_no_change(stage):
    assert run_of(stage, decorated, 1).value == '["given",1]'
    run = run_of(stage, decorated, "raises")
    assert (run.error, run.job.outcome) == ("TypeError", "raised")


def test_arguments_that_fit_are_never_looked_at(stage, monkeypatch):
    monkeypatch.setattr("jobqueue.worker.executor.arguments.signature", None)
    assert run_of(stage, positional, 1).value == "2"
