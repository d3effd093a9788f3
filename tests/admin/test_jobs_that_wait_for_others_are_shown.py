"""What a job waits for, and what waits for it: in the list, on its page, and in the filter."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from jobqueue import lifecycle
from jobqueue.models import Job
from tests import rows
from tests.admin.conftest import JOBS, page_of
from tests.admin.test_lists_stay_fast import queries
from tests.app.tasks import echo

pytestmark = pytest.mark.django_db


def text_of(client: Client, page: str, **data: str) -> str:
    return client.get(page, data).content.decode()


def test_the_page_names_both_with_links_and_states(admin_client: Client) -> None:
    done, first = rows.claimed(), rows.enqueue()
    lifecycle.succeed(connection, done.fence, None)
    second = rows.enqueue(after=[done.job_id, first], on_failure="fail")
    third = rows.enqueue(after=[second])
    text = text_of(admin_client, page_of(rows.job(second)))
    before, _, behind = text.partition("Waited for by")
    assert "Waits for" in before
    for job_id, part in ((first, before), (done.job_id, before), (third, behind)):
        assert f'href="{reverse("admin:jobqueue_job_change", args=[job_id])}"' in part
    assert "Successful" in before
    assert "this job fails" in before
    assert "it is cancelled" in behind
    assert "waits for other jobs" in before


def test_one_that_was_pruned_is_named_all_the_same(admin_client: Client) -> None:
    first = rows.enqueue()
    second = rows.enqueue(after=[first])
    Job.objects.filter(pk=first).delete()
    text = text_of(admin_client, page_of(rows.job(second)))
    assert str(first) in text
    assert "pruned" in text


def test_one_that_was_never_begun_tells_why(admin_client: Client) -> None:
    failed = rows.claimed()
    second = rows.enqueue(after=[failed.job_id])
    lifecycle.fail(failed.fence, rows.FAILED_FOR_GOOD)
    lifecycle.follow([failed.job_id])
    text = text_of(admin_client, page_of(rows.job(second)))
    assert "Not begun" in text
    # It waits no more.
    assert "Waited for</h2>" in text
    assert "Waits for" not in text
    assert f"Job {failed.job_id}, for which it waited, is FAILED (raised)." in text


def test_the_list_says_that_it_waits_and_a_filter_finds_it(admin_client: Client) -> None:
    first = rows.enqueue()
    second = rows.enqueue(after=[first])
    assert "waits for other jobs" in text_of(admin_client, reverse(JOBS))
    text = text_of(admin_client, reverse(JOBS), gate="after")
    assert str(second) in text
    assert str(first) not in text


def test_the_page_costs_the_same_with_many_of_them(admin_client: Client) -> None:
    last = rows.enqueue(after=[rows.enqueue()])
    rows.enqueue(after=[last])
    admin_client.get(page_of(rows.job(last)))
    few = queries(admin_client, page_of(rows.job(last)))
    many = echo.enqueue_many([((number,), {}) for number in range(20)])
    last = rows.enqueue(after=many)
    for _ in range(20):
        rows.enqueue(after=[last])
    assert len(queries(admin_client, page_of(rows.job(last)))) == len(few)
