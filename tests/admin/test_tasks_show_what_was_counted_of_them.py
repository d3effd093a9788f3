from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobqueue import tallies
from jobqueue.models import Tally, TaskDefinition
from jobqueue.tallies.rows import row_of
from tests.admin.conftest import JOBS, make_definition, page_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_counted")]
TASKS = "admin:jobqueue_taskdefinition_changelist"


def counted(path: str, minutes: float, *, ran: float = 0.02, waited: float = 0.02, **numbers: int) -> None:
    """Have a worker have counted so many minutes ago; each attempt ran and had waited for so many seconds."""
    count = tallies.Count(**numbers)
    for _ in range(count.ended):
        count.ran(ran)
        count.waited(waited)
    at = (tallies.now() - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
    row_of(tallies.Key("default", "default", path), count, at=at, span=60).save()


def lately(client: Client, definition: TaskDefinition) -> dict[str, list[str]]:
    """Return the numbers of the table on the page of a task."""
    return dict(client.get(page_of(definition)).context["lately"])


def test_the_last_hour_and_the_last_day_of_one_task(admin_client: Client) -> None:
    definition = make_definition("shop.tasks.pay")
    counted("shop.tasks.pay", 5, succeeded=18, failed=2, raised=3)
    counted("shop.tasks.pay", 300, ran=20, waited=45, succeeded=1000, crashed=1)
    counted("shop.tasks.other", 5, succeeded=7)
    counted("shop.tasks.pay", 3000, succeeded=5)
    ms, s = "\N{NO-BREAK SPACE}ms", "\N{NO-BREAK SPACE}s"
    assert lately(admin_client, definition) == {
        "last hour": ["18", "2", "3", "0", f"18{ms}", f"24{ms}", f"18{ms}", f"24{ms}"],
        "last day": ["1,018", "2", "3", "1", f"45{s}", f"58{s}", f"20{s}", f"29{s}"],
    }


def test_a_task_of_which_nothing_was_counted(admin_client: Client) -> None:
    numbers = lately(admin_client, make_definition("shop.tasks.pay")).values()
    assert {number for line in numbers for number in line} == {"0", "–"}


def test_the_list_shows_the_last_hour_with_one_query_for_all(admin_client: Client) -> None:
    for number in range(3):
        make_definition(f"shop.tasks.number_{number}")
        counted(f"shop.tasks.number_{number}", 5, succeeded=10 + number, failed=number)
    admin_client.get(reverse(TASKS))
    with CaptureQueriesContext(connection) as asked:
        html = admin_client.get(reverse(TASKS)).text
    assert len([query for query in asked if Tally._meta.db_table in query["sql"]]) == 1
    assert len(asked) <= 12, [query["sql"] for query in asked]
    for number in range(3):
        assert f"of {10 + 2 * number}</small>" in html
    assert f'<a href="{reverse(JOBS)}?task=shop.tasks.number_2&amp;status=FAILED">2</a>' in html
    assert html.count("p50 1") == 6


def test_pages_of_tasks_count_no_jobs(admin_client: Client) -> None:
    definition: Any = make_definition("shop.tasks.pay")
    with CaptureQueriesContext(connection) as asked:
        admin_client.get(page_of(definition))
    assert not [query["sql"] for query in asked if "jobqueue_job" in query["sql"]]
    assert len(asked) <= 12, [query["sql"] for query in asked]
