"""Whatever people see of a job, nothing of its sensitive arguments is in it; the code gets the true ones."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.tasks import task
from django.tasks.exceptions import InvalidTask
from django.tasks.signals import task_finished
from django.test import Client
from django.urls import reverse

from jobqueue import current_job, lifecycle, once, results
from jobqueue.models import Job, LedgerEntry
from jobqueue.redaction import SUBSTITUTE, shown_call
from jobqueue.worker.messages import Ended, How
from tests.admin.conftest import JOBS, page_of
from tests.effects.conftest import stage as stage
from tests.effects.emptied import transactional_db as transactional_db
from tests.effects.runs import Run, Stage
from tests.security.tasks import DEEDS, charge, take

CARD = "4000-0566-5566-5556"
PASSWORD = 'päss "w\\ord"\nof two lines'
NESTED = "sk_live_51H8xNested"
SECRETS = (CARD, PASSWORD, "päss", "w\\ord", "two lines", NESTED)
OPTIONS = {"retries": 3, "deep": [{"api_key": NESTED}]}


@contextmanager
def deed(do: Callable[..., Any]) -> Generator[None]:
    DEEDS.append(do)
    try:
        yield
    finally:
        DEEDS.pop()


@pytest.fixture
def enqueue(stage: Stage) -> Callable[..., Any]:
    """Give `enqueue(**using)`: enqueues a job with every kind of sensitive argument."""

    def enqueue(**using: Any) -> Any:
        return stage.enqueue(charge.using(**using), 7, CARD, "a note", password=PASSWORD, options=OPTIONS)

    return enqueue


@pytest.fixture
def run(stage: Stage, enqueue: Callable[..., Any]) -> Callable[..., Run]:
    """Give `run(deed, **using)`: runs such a job, whose body does the deed."""

    def run(do: Callable[..., Any], **using: Any) -> Run:
        job = enqueue(**using)
        with deed(do):
            done = stage.run(stage.claim(charge, job.id))
        if done.how is How.VALUE:
            lifecycle.settle(connection, [(done.claim.fence, done.value)])
        return done

    return run


def check(text: str) -> None:
    """Check that a text has no secret in it, in no form, and says that something is left out."""
    for secret in SECRETS:
        for form in (
            secret,
            repr(secret)[1:-1],
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        ):
            assert form not in text, text
    assert SUBSTITUTE in text or "(…)" in text or "Not shown" in text


def tells_all(order: Any, card: Any, note: str, password: str, options: Any) -> None:
    """Fail with everything in what is raised: as it is, in reprs, in JSON, in a chain, in a group, in a note."""
    error = ValueError(f"{card} {password!r}", {"options": options, "json": json.dumps(options) + json.dumps(password)})
    error.add_note(f"password: {password}")
    raise error from ExceptionGroup("all", [LookupError(password), KeyError(card)])


def test_the_body_and_the_row_have_the_true_ones(run: Callable[..., Run]) -> None:
    got: list[Any] = []
    done = run(lambda *arguments: got.extend(arguments))
    assert got == [7, CARD, "a note", PASSWORD, OPTIONS]
    assert done.job.arguments == {"args": [7, CARD, "a note"], "kwargs": {"password": PASSWORD, "options": OPTIONS}}
    assert done.result.args == [7, CARD, "a note"]
    assert done.result.kwargs == {"password": PASSWORD, "options": OPTIONS}


@pytest.mark.parametrize("listens", [False, True])
def test_not_in_the_traceback_nor_in_logs(
    stage: Stage, run: Callable[..., Run], caplog: pytest.LogCaptureFixture, listens: bool
) -> None:
    caplog.set_level(logging.DEBUG)

    def receiver(**_: Any) -> None:
        """Be there: the line is then Django's own, of the exception that it finds under way."""

    if listens:
        task_finished.connect(receiver)
    stage.listen()
    done = run(tells_all)
    task_finished.disconnect(receiver)

    check(done.attempt.traceback)
    for part in ("ValueError", "tells_all", "ExceptionGroup", "LookupError"):
        assert part in done.attempt.traceback
    check(caplog.text)
    assert "state=FAILED" in caplog.text
    assert "Traceback" in caplog.text
    for record in caplog.records:
        assert record.exc_info is None, "Handlers that go by the exception itself would tell it all."


def test_not_in_the_log_of_an_attempt_that_is_tried_again(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with deed(tells_all):
        done = stage.run(_claim(stage, retried, 7, CARD, password=PASSWORD, options=OPTIONS))
    assert done.job.status == "READY"
    assert "will be tried again" in caplog.text
    assert "backoff of" in caplog.text
    check(caplog.text)


def _odd_backoff(error: BaseException, result: Any) -> float:
    raise ValueError(str(error), repr(result))


@task(sensitive=("card",), backoff=_odd_backoff)
def retried(order: Any, card: Any, *, password: str = "", options: Any = None) -> Any:
    """Fail, and have its backoff fail."""
    return DEEDS[-1](order, card, "", password, options)


def _claim(stage: Stage, declared: Any, *args: Any, **kwargs: Any) -> Any:
    return stage.claim(declared, stage.enqueue(declared, *args, **kwargs).id)


def test_not_in_reprs(run: Callable[..., Run], enqueue: Callable[..., Any]) -> None:
    done = run(lambda *arguments: list(arguments))
    for value in (done.result, enqueue(), results.get(str(done.id)), [enqueue()]):
        check(repr(value))
    assert CARD not in repr(done.claim)
    assert CARD not in repr(Ended(How.VALUE, json.dumps(CARD), 0.1))
    many = charge.enqueue_many([((7, CARD), {"password": PASSWORD, "options": OPTIONS})])
    check(repr(many))


def test_not_in_progress(stage: Stage, run: Callable[..., Run]) -> None:
    run(lambda order, card, note, password, options: current_job().progress(1, 1, f"charging {card} {password}"))
    check(stage.told[-1].state["note"])


def steps_and_value(order: Any, card: Any, note: str, password: str, options: Any) -> Any:
    """Leave everything in a step and in the value."""
    once("charge", lambda: [card, {"token": "shown-to-nobody"}, options])
    return {"receipt": f"for {card}", "options": options, "password": password}


def test_not_in_the_admin(run: Callable[..., Run], enqueue: Callable[..., Any], admin_client: Client) -> None:
    done, failed, waiting = run(steps_and_value), run(tells_all), enqueue()
    entry = LedgerEntry.objects.get(job_id=done.id)
    for address in (page_of(done.job), page_of(failed.job), page_of(Job.objects.get(pk=waiting.id)), page_of(entry)):
        page = admin_client.get(address).content.decode().replace("&quot;", '"').replace("&#x27;", "'")
        check(page)
        assert "shown-to-nobody" not in page
    page = admin_client.get(reverse(JOBS)).content.decode()
    check(page)
    assert page.count(f"(7, {SUBSTITUTE}, &quot;a note&quot;") == 3


def test_not_in_what_the_ledger_keeps(run: Callable[..., Run], admin_client: Client) -> None:
    run(steps_and_value, idempotency_key="k")
    run(tells_all, idempotency_key="l")
    assert lifecycle.prune("default", older_than=timedelta(0)) == 2
    assert LedgerEntry.objects.count() == 2
    for entry in LedgerEntry.objects.all():
        page = admin_client.get(page_of(entry)).content.decode()
        check(page.replace("&quot;", '"').replace("&#x27;", "'"))


def test_of_a_task_that_is_not_known_nothing_is_shown(enqueue: Callable[..., Any], admin_client: Client) -> None:
    job = enqueue()
    Job.objects.update(task_path="shop.tasks.charge")
    for address in (reverse(JOBS), page_of(Job.objects.get(pk=job.id))):
        check(admin_client.get(address).content.decode())


@pytest.mark.parametrize("length", [0, 4, 8, 16, 30, 74, 80, 86, 92, 98, 118, 121, 500])
def test_not_in_a_list_that_cuts_them_off(stage: Stage, admin_client: Client, length: int) -> None:
    """The list reads no more than the beginning of arguments."""
    stage.enqueue(charge, "x" * length, {"number": [CARD]}, options={"y" * length: {"secret_word": CARD}})
    page = admin_client.get(reverse(JOBS)).content.decode()
    assert CARD[:6] not in page
    assert "jq-call" in page


def test_what_django_takes_for_sensitive_is_so_without_a_word(stage: Stage, admin_client: Client) -> None:
    kwargs = {"API_TOKEN": NESTED, "config": {"db": {"Passphrase": NESTED}, "name": "shown"}}
    job = stage.enqueue(take, {"secret": [NESTED]}, "plain", **kwargs)
    for address in (reverse(JOBS), page_of(Job.objects.get(pk=job.id))):
        page = admin_client.get(address).content.decode()
        assert NESTED not in page
        assert "plain" in page
    assert NESTED not in repr(job)
    assert "shown" in repr(job)


def test_short_values_are_replaced_where_they_stand_alone(run: Callable[..., Run], stage: Stage) -> None:
    def fails(order: Any, pin: Any, *_: Any) -> None:
        raise ValueError(f"{pin} x{pin}x [{pin}] and {order}")

    with deed(fails):
        done = stage.run(_claim(stage, charge, "order 12345", 1234))
    assert done.message == f"ValueError: {SUBSTITUTE} x1234x [{SUBSTITUTE}] and order 12345"


def with_token(order: Any, token: Any) -> None:
    """Do nothing."""


def with_rest(context: Any, order: Any, *lines: Any, **rest: Any) -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("tokn",), "Did you mean 'token'"),
        (("nothing_like_it",), "Known: order, token"),
        ("token", "must be a tuple"),
        (["token"], "must be a tuple"),
        ((1,), "must be a tuple"),
    ],
)
def test_names_that_are_no_arguments_are_refused_where_they_are_given(names: Any, says: str) -> None:
    with pytest.raises(InvalidTask, match=says):
        task(sensitive=names)(with_token)


def test_the_arguments_that_take_the_rest_may_be_named() -> None:
    declared = task(sensitive=("lines", "rest"), takes_context=True)(with_rest)
    assert shown_call(declared, [1, 2, 3], {"a": 4}) == ([1, SUBSTITUTE, SUBSTITUTE], {"a": SUBSTITUTE})
    one = task(sensitive=("a",), takes_context=True)(with_rest)
    assert shown_call(one, [1, 2], {"a": 4, "b": 5}) == ([1, 2], {"a": SUBSTITUTE, "b": 5})


@pytest.mark.parametrize("number", [400, 5000])
def test_many_values_in_much_text_take_a_moment(stage: Stage, number: int) -> None:
    many = [f"value-{each:06}" for each in range(number)]

    def fails(*_: Any) -> None:
        raise ValueError(" ".join(many) * 400)

    claim = _claim(stage, charge, 7, many)
    began = time.process_time()
    with deed(fails):
        done = stage.run(claim)
    assert time.process_time() - began < 10
    assert "value-0" not in done.attempt.traceback
    assert 50 < len(done.attempt.traceback) < 70_000
