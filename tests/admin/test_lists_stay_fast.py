from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobqueue.admin import filters, paging
from jobqueue.models import Gate, Job, LedgerEntry
from tests.admin.conftest import JOBS, ago, make_attempt, make_job, make_worker, page_of
from tests.app import limited_tasks

LISTS = [f"admin:jobqueue_{name}_changelist" for name in ("job", "worker", "ledgerentry", "taskdefinition")]


def queries(client: Client, page: str, **data: str) -> list[str]:
    """Return the statements that a page costs."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(page, data).status_code == 200
    return [query["sql"] for query in captured]


def fill(count: int) -> None:
    for number in range(count):
        name = f"w-{Job.objects.count()}"
        make_worker(name)
        for status in ("READY", "RUNNING", "SUCCESSFUL", "FAILED"):
            job = make_job(status, worker_id=name, task=f"app.tasks.number_{number}")
            make_attempt(job, worker_id=name)
        LedgerEntry.objects.create(scope=f"step:{job.pk}", key="a", job_id=job.pk, created_at=ago(1))


@pytest.mark.parametrize("page", LISTS)
def test_a_full_page_costs_as_many_queries_as_an_almost_empty_one(admin_client: Client, page: str) -> None:
    fill(1)
    admin_client.get(reverse(page))  # What is looked up once in a process has been.
    few = queries(admin_client, reverse(page))
    fill(10)
    assert len(queries(admin_client, reverse(page))) == len(few)
    assert len(few) <= 12, few


def test_the_page_of_a_job_costs_the_same_with_many_attempts(admin_client: Client) -> None:
    job = make_job("FAILED", attempt=1)
    make_attempt(job)
    admin_client.get(page_of(job))
    few = queries(admin_client, page_of(job))
    for number in range(2, 30):
        make_attempt(job, number)
    assert len(queries(admin_client, page_of(job))) == len(few)
    assert len(few) <= 12, few


@pytest.mark.parametrize("gate", Gate.values)
def test_the_page_of_a_job_that_waits_is_as_cheap(admin_client: Client, gate: str) -> None:
    make_worker()
    job = make_job(gate=gate, task=limited_tasks.alone.module_path, limit_key=limited_tasks.alone.module_path)
    for _ in range(20):
        make_job("RUNNING", limit_key=job.limit_key)
        make_job()
    admin_client.get(page_of(job))
    assert len(asked := queries(admin_client, page_of(job))) <= 12, asked


def test_lists_do_not_fetch_what_may_be_large(admin_client: Client) -> None:
    make_job("SUCCESSFUL", arguments={"args": ["x" * 5000], "kwargs": {}}, result="y" * 5000)
    statements = queries(admin_client, reverse(JOBS))
    assert not any('"jobqueue_job"."result"' in sql or "`jobqueue_job`.`result`" in sql for sql in statements)
    assert b"x" * 200 not in admin_client.get(reverse(JOBS)).content


@pytest.mark.parametrize("page", LISTS)
def test_no_list_counts_without_a_limit(admin_client: Client, page: str) -> None:
    fill(1)
    counts = [sql for sql in queries(admin_client, reverse(page)) if "COUNT(*)" in sql and "jobqueue_" in sql]
    assert counts
    assert all("LIMIT" in sql for sql in counts if "GROUP BY" not in sql)


def test_counting_stops_at_the_limit_and_says_so(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "COUNT_AT_MOST", 3)
    monkeypatch.setattr(paging, "LIST_AT_MOST", 4)
    for _ in range(6):
        make_job("FAILED")
    text = admin_client.get(reverse(JOBS)).content.decode()
    assert "4+ jobs" in text
    assert "<b>3+</b>" in text


def test_a_limit_reads_as_one() -> None:
    assert str(paging.AtLeast(10_000)) == "10,000+"
    assert paging.AtLeast(10_000) > 9_999


def test_order_is_by_indexes_alone(admin_client: Client) -> None:
    make_job()
    response = admin_client.get(reverse(JOBS))
    assert set(response.context["cl"].queryset.query.order_by) == {"-id"}
    # Every header but the age's is plain text; asking for another order by hand changes nothing.
    for column in range(9):
        ordered: Any = admin_client.get(reverse(JOBS), {"o": str(column)}).context["cl"].queryset.query.order_by
        assert {name.lstrip("-") for name in ordered} <= {"id", "pk"}


def test_where_no_index_helps_only_the_newest_are_looked_at_and_it_is_said(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "NEWEST", 2)
    old = make_job("FAILED", queue="mail")
    new = [make_job("SUCCESSFUL", queue="mail") for _ in range(2)]
    response = admin_client.get(reverse(JOBS), {"queue": "mail"})
    assert {job.pk for job in response.context["cl"].result_list} == {job.pk for job in new}
    assert "queue, among the newest 2" in response.content.decode()
    response = admin_client.get(reverse(JOBS), {"queue": "mail", "status": "FAILED"})
    assert [job.pk for job in response.context["cl"].result_list] == [old.pk]


def test_what_waits_is_counted_gate_by_gate(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each gate has an index of its own; there is none of all that waits among a million that ended."""
    for gate in ("", "", "limit", "after", "commit"):
        make_job(gate=gate)
    make_job("FAILED")

    def ready() -> str:
        return str(admin_client.get(reverse(JOBS)).context["overview"][0]["count"])

    assert ready() == "4"
    monkeypatch.setattr(paging, "COUNT_AT_MOST", 3)
    assert ready() == "3+"
    statements = [sql for sql in queries(admin_client, reverse(JOBS)) if "READY" in sql]
    assert all("gate = ''" in sql for sql in statements)


def test_a_count_reads_no_more_than_keys(admin_client: Client) -> None:
    fill(1)
    counts = [sql for sql in queries(admin_client, reverse(JOBS)) if "COUNT(*)" in sql]
    assert not any("arguments" in sql for sql in counts)
