"""The site's own index says in one line how jobs are, to who may see them; nothing that is wrong breaks it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.tasks import task_backends
from django.template import engines
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches, path, reverse

from jobqueue import operations
from jobqueue.admin import troubles
from jobqueue.models import TaskDefinition
from tests.admin.conftest import ago, make_job, make_worker

MAY_SEE = ("view_job", "view_worker")
LINE = "jq-health"
TAG = "{% load jobqueue_admin %}{% jobqueue_health %}"

backoffice = admin.AdminSite("backoffice")
urlpatterns = [path("admin/", admin.site.urls), path("backoffice/", backoffice.urls)]


@pytest.fixture
def look(staff: Callable[..., Client]) -> Callable[..., str]:
    """Give `look(*permissions)`: sign in with these, and return the text of the line, "" when there is none."""

    def look(*permissions: str) -> str:
        response = staff(*(permissions or MAY_SEE)).get(reverse("admin:index"))
        assert response.status_code == 200
        return line_of(response.content.decode())

    return look


def line_of(page: str) -> str:
    assert page.count(LINE) <= 1
    line = page.partition(f'<p class="{LINE}')[2].partition("</p>")[0].partition(">")[2]
    return " ".join(line.replace("<span>", "").replace("</span>", "").split())


def link() -> str:
    return f'<a href="{reverse("admin:app_list", args=["jobqueue"])}">Job queue</a>:'


def test_when_all_is_well(look):
    make_worker("w-1")
    make_worker("w-2")
    for number in range(3):
        make_job(since=10 + number)
    make_job(due_at=ago(-600))
    make_job("RUNNING")
    assert look() == f"{link()} nothing is wrong · 3 waiting · 1 running · 2 workers"


def test_the_worst_trouble_and_how_many_more(look):
    make_worker("w-1", beat=500)
    make_job("RUNNING")
    make_job(since=10)
    text = look()
    assert text.startswith(f"{link()} 1 job is stuck: it runs at a worker that gives no sign of life.")
    assert text.endswith("(1 more) · 1 waiting · 1 running · 0 workers")


@pytest.mark.parametrize(("permissions", "seen"), [(("view_job",), "running"), (("view_worker",), None)])
def test_it_tells_nobody_what_they_may_not_see(look, permissions, seen):
    make_worker()
    make_job("RUNNING")
    text = look(*permissions)
    assert text.endswith(seen) if seen else text == ""
    assert "worker" not in text


def test_a_redis_that_does_not_answer_is_told(look, gone_backend, monkeypatch):
    monkeypatch.setattr(troubles, "backends", lambda: {gone_backend: task_backends[gone_backend]})
    assert f"The Redis of backend “{gone_backend}” does not answer." in look()


def test_tables_that_are_not_there_yet_do_not_break_it(look, monkeypatch):
    monkeypatch.setattr(TaskDefinition._meta, "db_table", "jobqueue_not_yet")
    # What comes after it on the page reads the database, too, and in the same transaction.
    assert look() == f"{link()} Its tables cannot be read. Have the migrations been run?"


def test_others_names_are_inert(look):
    make_worker()
    make_job("RUNNING", queue="<script>\u202e")
    make_job(queue="<script>\u202e", since=10)
    text = look()
    assert "no live worker serves it" in text
    assert "<script>" not in text
    assert "\u202e" not in text


def test_more_than_are_counted_are_told_as_that(look, monkeypatch):
    for module in ("depths", "paging"):
        monkeypatch.setattr(f"jobqueue.admin.{module}.COUNT_AT_MOST", 2)
    for _ in range(5):
        make_job(since=4)
    assert "· 2+ waiting ·" in look()


@pytest.mark.django_db
def test_it_takes_as_few_queries_with_many_queues_and_jobs(admin_client, monkeypatch):
    asked = []
    for queues in ([], ["default"], [f"q-{n}" for n in range(40)]):
        for queue in queues:
            operations.pause_queue(queue, backend="embedded") if queue != "default" else None
            make_job(queue=queue)
            make_job("RUNNING", queue=queue)
            make_worker(f"w-{queue}", queues=queues)
        with CaptureQueriesContext(connection) as found:
            assert LINE in admin_client.get(reverse("admin:index")).content.decode()
        asked.append(len([query for query in found if "jobqueue_" in query["sql"]]))
    assert max(asked) <= 8, found.captured_queries
    assert asked[1] == asked[2]


class TestOtherSites:
    @pytest.fixture(autouse=True)
    def _two_sites(self, settings: Any) -> Generator[None]:
        settings.ROOT_URLCONF = __name__
        yield
        clear_url_caches()

    def test_their_index_is_left_as_it_is(self, admin_client):
        assert LINE not in admin_client.get("/backoffice/").content.decode()
        assert LINE in admin_client.get("/admin/").content.decode()

    def test_a_template_of_their_own_may_ask_for_it(self, admin_user: User):
        request: Any = RequestFactory().get("/backoffice/")
        request.user, request.current_app = admin_user, "backoffice"
        make_worker()
        assert line_of(render(request)) == f"{link()} nothing is wrong · 0 waiting · 0 running · 1 worker"

    def test_where_no_site_has_pages_of_jobs_there_is_no_line(self, admin_user: User, monkeypatch):
        monkeypatch.setattr(sys.modules[__name__], "urlpatterns", urlpatterns[1:])
        clear_url_caches()
        request: Any = RequestFactory().get("/backoffice/")
        request.user, request.current_app = admin_user, "backoffice"
        make_job("RUNNING", worker_id="gone")
        assert line_of(render(request)) == ""


def render(request: Any) -> str:
    return engines["django"].from_string(TAG).render({}, request)


def test_a_project_has_the_last_word(monkeypatch, admin_client):
    assert admin.site.index_template == "jobqueue/admin/index.html"
    monkeypatch.setattr(admin.site, "index_template", "admin/index.html")
    assert LINE not in admin_client.get(reverse("admin:index")).content.decode()
