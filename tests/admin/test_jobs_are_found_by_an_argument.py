"""A search may name an argument: it looks at the newest jobs alone, and never at what is sensitive."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from jobqueue.admin import arguments
from jobqueue.ledger import enqueue_scope
from jobqueue.models import LedgerEntry
from tests.admin.conftest import JOBS, ago, make_job
from tests.admin.test_jobs_are_found import found
from tests.app import tasks
from tests.security.tasks import charge, take


def call(*args: Any, task: Any = tasks.add, **kwargs: Any) -> Any:
    return make_job(task=task.module_path, arguments={"args": list(args), "kwargs": kwargs}).pk


@pytest.mark.parametrize(
    ("search", "args", "kwargs"),
    [
        ("counter_id=42", [42], {}),
        ("counter_id=42", [], {"counter_id": 42}),
        ("amount=42", [1, 42], {}),
        ("arg:42", [42], {}),
        ("arg:42", [1], {"amount": 42}),
        ("arg: 42 ", [42], {}),
        ("counter_id=42", ["42"], {}),
        ('counter_id="42"', ["42"], {}),
        ("counter_id=Ann Lee", ["Ann Lee"], {}),
        ("counter_id=日本語 é", ["日本語 é"], {}),
        ('counter_id=a "b" \\ %_', ['a "b" \\ %_'], {}),
        ("counter_id=true", [True], {}),
        ("counter_id=null", [None], {}),
        ("counter_id=1.5", [1.5], {}),
        ('counter_id={"a": [1]}', [{"a": [1]}], {}),
        ("counter_id=", [""], {}),
    ],
)
def test_the_jobs_that_were_given_it_are_found_and_no_others(
    admin_client: Client, search: str, args: list[Any], kwargs: dict[str, Any]
) -> None:
    for other in ([7], [421], [4], ["x42"], [[42]], [{"counter_id": 42}], [1], [0], ["ann lee"]):
        call(*other)
    job = call(*args, **kwargs)
    assert found(admin_client, q=search) == {job}


def test_other_filters_hold_beside_it(admin_client: Client) -> None:
    call(42)
    failed = make_job("FAILED", task=tasks.add.module_path, arguments={"args": [42], "kwargs": {}})
    assert found(admin_client, q="arg:42", status="FAILED") == {failed.pk}


def test_a_key_that_looks_like_one_is_found_as_before(admin_client: Client) -> None:
    job = make_job(idempotency_key="order_id=42")
    scope = enqueue_scope(job.task_path)
    LedgerEntry.objects.create(scope=scope, key="order_id=42", job_id=job.pk, created_at=ago(1))
    assert found(admin_client, q="order_id=42") == {job.pk}


def test_only_the_newest_are_looked_at_and_it_is_said(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "NEWEST", 2)
    call(42)
    newer = [call(42), call(7)]
    page = admin_client.get(reverse(JOBS), {"q": "arg:42"})
    assert {job.pk for job in page.context["cl"].result_list} == {newer[0]}
    assert "in the newest 2 jobs that match the filters" in page.text
    assert "in the newest" not in admin_client.get(reverse(JOBS), {"q": "add"}).text


def test_no_more_are_listed_than_a_statement_takes(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arguments, "_MOST_FOUND", 2)
    jobs = [call(42) for _ in range(3)]
    assert found(admin_client, q="arg:42") == set(jobs[1:])


def test_of_long_arguments_the_beginning_is_looked_at(admin_client: Client) -> None:
    job = call(42, "x" * 5000)
    call("x" * 5000, 42)
    assert found(admin_client, q="arg:42") == {job}


SECRET = "4000-0566-5566-5556"


@pytest.mark.parametrize("search", [f"arg:{SECRET}", f"card={SECRET}", f'card="{SECRET}"', f"password={SECRET}"])
def test_what_is_sensitive_is_not_found_by_its_value(admin_client: Client, search: str) -> None:
    call(7, SECRET, "a note", task=charge)
    call(7, "x", "a note", password=SECRET, task=charge)
    call({"secret": SECRET}, task=take)
    plain = call(SECRET, task=take, api_token=SECRET)
    make_job(task="gone.tasks.old", arguments={"args": [SECRET], "kwargs": {"card": SECRET}})
    # What nobody calls sensitive is shown, too.
    assert found(admin_client, q=search) == ({plain} if search.startswith("arg:") else set())


def test_what_the_other_arguments_of_such_a_job_are_is_found(admin_client: Client) -> None:
    job = call(7, SECRET, "a note", task=charge)
    assert found(admin_client, q="order=7") == found(admin_client, q="arg:a note") == {job}


@pytest.mark.parametrize("search", ["arg:", "a=" + "[" * 5000, "arg:" + "9" * 5000, "=x", "a b=1", "arg:\u202e"])
def test_no_search_is_an_error(admin_client: Client, search: str) -> None:
    call(42)
    make_job(arguments=[1])
    assert admin_client.get(reverse(JOBS), {"q": search}).status_code == 200


def test_actions_mean_what_was_found(admin_client: Client) -> None:
    for number in (42, 7):
        make_job("FAILED", task=tasks.add.module_path, arguments={"args": [number], "kwargs": {}})
    data = {"action": "retry_selected", "select_across": "1", "_selected_action": "0" * 32}
    assert admin_client.post(f"{reverse(JOBS)}?q=arg%3A42", data).context["count"] == 1
