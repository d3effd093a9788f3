"""The first page says what is stuck, why, since when and on whom, in a few short queries for however many jobs."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.tasks import task_backends
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from jobqueue import operations, tallies
from jobqueue.admin import situation, troubles
from jobqueue.models import Job, LedgerEntry, PausedQueue, Tally
from tests.admin.conftest import ago, make_definition, make_job, make_worker
from tests.app import tasks

pytestmark = pytest.mark.usefixtures("nothing_counted")
OVERVIEW = "admin:app_list"
MAY_SEE = ("view_job", "view_worker")


@pytest.fixture
def look(staff: Callable[..., Client]) -> Callable[..., str]:
    """Give `look(*permissions)`: sign in with these, and return the page's text."""

    def look(*permissions: str) -> str:
        client = staff(*(permissions or MAY_SEE))
        response = client.get(reverse(OVERVIEW, args=["jobqueue"]))
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return look


@pytest.mark.parametrize(
    ("served", "paused", "says"), [(True, False, "open"), (False, False, "no worker"), (True, True, "paused")]
)
@pytest.mark.parametrize("page", ["overview", "queues"])
def test_a_queue_says_whether_it_gets_on(look, staff, page, served, paused, says):
    make_worker(queues=["mail"] if served else ["default"])
    if paused:
        operations.pause_queue("mail")
    make_definition(queue="mail")
    if page == "overview":
        text = look()
    else:
        answer = staff("view_pausedqueue").get(reverse("admin:jobqueue_pausedqueue_changelist"))
        text = " ".join(answer.content.decode().split())
    (state,) = re.findall(r'queue=mail">mail</a>.*?jq-state jq-\w+">.*?</svg>(.*?)</span>', text)[:1]
    assert state == says


def test_when_all_is_well_it_says_so(look):
    make_worker()
    make_job("SUCCESSFUL")
    make_job("RUNNING")
    make_job(since=10)
    assert "Nothing is wrong." in look()


class TestTroubles:
    def test_jobs_at_a_dead_worker(self, look):
        make_worker("w-1", beat=45)
        make_worker("w-2")
        make_job("RUNNING")
        make_job("RUNNING", worker_id="w-2")
        text = look()
        assert "1 job is stuck: it runs at a worker that gives no sign of life. Last heard of “w-1” at 20" in text
        assert "A live worker of the backend will rescue" in text

    def test_and_nobody_has_rescued_them(self, look):
        make_worker("w-1", beat=500)
        make_worker("w-2")
        make_job("RUNNING")
        assert "They should have been rescued by now" in look()

    def test_and_nobody_is_there_to_rescue_them(self, look):
        make_job("RUNNING", worker_id="gone")
        make_job("RUNNING", worker_id="gone")
        text = look()
        assert "2 jobs are stuck" in text
        assert "Start a worker: it will rescue them." in text

    def test_a_queue_that_nobody_serves(self, look):
        make_worker(queues=["default"])
        make_job(queue="mail", since=10)
        assert "wait in the queue “mail” of backend “default”, and no live worker serves it" in look()

    @pytest.mark.parametrize("why", ["paused", "delayed", "none"])
    def test_but_not_one_in_which_nothing_is_to_be_done(self, look, why):
        make_worker(queues=["default"])
        if why == "paused":
            operations.pause_queue("mail")
            make_job(queue="mail")
        elif why == "delayed":
            make_job(queue="mail", due_at=ago(-60))
        assert "Nothing is wrong." in look()

    def test_a_queue_that_is_behind(self, look):
        make_worker()
        make_job(since=301)
        assert "The queue “default” of backend “default” is behind: its first job has been due since 20" in look()

    def test_a_pause_that_may_have_been_forgotten(self, look):
        make_worker(queues=["default"])
        operations.pause_queue("mail")
        make_job(queue="mail", since=301)
        assert "The queue “mail” of backend “default” is paused, and its first job has been due since 20" in look()

    def test_a_task_that_nobody_knows(self, look):
        make_worker()
        make_job(task="shop.tasks.gone", since=10)
        make_job("SUCCESSFUL", task="aaa.first")
        text = look()
        assert "1 job waits for a task that no worker knows" in text
        assert "?unknown=1" in text

    @pytest.mark.parametrize(
        ("declared", "says"), [(90, "Nothing is wrong."), (200, "1 job waits for a task that no worker knows")]
    )
    def test_a_task_that_a_deploy_has_removed(self, look, declared, says):
        make_worker(started_at=ago(100))
        make_job(task="shop.tasks.gone", since=10)
        make_definition("shop.tasks.gone", synced_at=ago(declared))
        assert says in look()

    def test_tasks_may_be_very_many(self, look):
        make_worker()
        paths = [f"shop.tasks.number_{number}" for number in range(1200)]
        known = make_definition(paths[0])
        for path in paths[1:]:
            known.pk = path
            known.save(force_insert=True)
        make_job(task=paths[-1], since=10)
        make_job(task="shop.tasks_of_old.gone", since=10)
        assert "1 job waits for a task that no worker knows" in look()

    def test_one_of_which_many_jobs_have_ended(self, look, monkeypatch):
        monkeypatch.setattr(troubles, "_LOOKED_AT", 3)
        make_worker()
        for _ in range(4):
            make_job("SUCCESSFUL", task="shop.tasks.gone", since=90)
        make_job(task="shop.tasks.gone", since=10)
        assert "1 job waits for a task that no worker knows" in look()

    def test_a_job_in_doubt(self, look):
        job = make_job("FAILED", outcome="in_doubt", finished_at=ago(60))
        make_job("FAILED", outcome="raised", finished_at=ago(90))
        text = look()
        assert "1 job is in doubt: whether “tests.app.tasks.echo” has delivered something is not known since 20" in text
        assert f'href="{reverse("admin:jobqueue_job_change", args=[job.pk])}"' in text

    def test_several_in_doubt(self, look):
        for since, task in ((60, "shop.tasks.second"), (90, "shop.tasks.first"), (30, "shop.tasks.third")):
            make_job("FAILED", task=task, outcome="in_doubt", finished_at=ago(since))
        text = look()
        assert "3 jobs are in doubt: whether something was delivered is not known, of the first, “shop.tasks.f" in text
        assert "?outcome=in_doubt" in text

    def test_a_redis_that_does_not_answer(self, look, gone_backend, monkeypatch):
        monkeypatch.setattr(troubles, "backends", lambda: {gone_backend: task_backends[gone_backend]})
        assert f"The Redis of backend “{gone_backend}” does not answer. Running jobs go on" in look()

    def test_clocks_that_differ(self, look, monkeypatch):
        monkeypatch.setattr("jobqueue.admin.troubles.time.time", lambda: 1.0)
        assert "s apart. Workers go by the database’s" in look()


class TestQueues:
    def row(self, text: str, queue: str) -> str:
        rows = [row for row in text.split("<tr>") if f"queue={queue}" in row and "<th" in row]
        return next(row for row in rows if ">default</small>" in row)

    def test_each_has_its_numbers_and_they_lead_to_the_jobs(self, look):
        make_worker()
        for since in (5, 125, 70):
            make_job(since=since)
        make_job(due_at=ago(-600))
        make_job(due_at=ago(50), priority=7)
        make_job("RUNNING")
        make_job("FAILED")
        make_job("SUCCESSFUL")
        row = self.row(look(), "default")
        counts = [part.split("<")[0] for part in row.replace("&amp;", "&").split('queue=default">')[1:]]
        assert counts == ["default", "4", "1", "1", "1"]
        assert "2 min" in row

    def test_what_has_ended_lately_and_how_long_it_had_waited(self, look):
        count = tallies.Count(succeeded=300, failed=100)
        for _ in range(100):
            count.waited(0.2)
        tallies.record({tallies.Key("default", "mail", tasks.echo.module_path): count})
        Tally.objects.update(at=tallies.now().replace(second=0, microsecond=0) - timedelta(minutes=3))
        row = self.row(look(), "mail")
        assert "40 a minute" in row
        assert "p50" in row
        assert '<path d="M56 20v-20.0h.8V20z"/>' in row

    def test_a_paused_one_is_marked_and_resumed_from_here(self, look, client):
        operations.pause_queue("mail")
        row = self.row(look(*MAY_SEE, "view_pausedqueue", "delete_pausedqueue"), "mail")
        assert "paused" in row
        assert "Resume" in row
        answer = client.post(
            reverse("admin:jobqueue_pausedqueue_resume"), {"backend": "default", "name": "mail", "back": "overview"}
        )
        assert answer.url == reverse(OVERVIEW, args=["jobqueue"])
        assert not PausedQueue.objects.exists()
        assert LogEntry.objects.count() == 1

    def test_who_may_not_press_has_no_button(self, look):
        assert "jq-press" not in look()

    def test_where_any_name_will_do_those_in_which_something_waits_are_there(self, look, gone_backend, monkeypatch):
        anything = {gone_backend: task_backends[gone_backend]}
        for module in (situation, troubles):
            monkeypatch.setattr(module, "backends", lambda: anything)
        monkeypatch.setattr(troubles, "_redis", list)
        for number in range(30):
            make_job(backend=gone_backend, queue=f"tenant-{number:02}", since=10)
        make_job(backend=gone_backend, queue="tenant-05", since=10)
        make_job("SUCCESSFUL", backend=gone_backend, queue="tenant-99")
        text = look()
        for number in range(30):
            assert f"in the queue “tenant-{number:02}” of backend “gone”, and no live worker serves it" in text
        assert "tenant-99" not in text

    def test_jobs_that_are_held_back_are_told_by_what(self, look):
        make_worker()
        make_job(since=5)
        for _ in range(2):
            make_job(gate="limit", limit_key="k")
        make_job(gate="limit", limit_key="k", queue="mail", due_at=ago(-60))
        make_job(gate="after")
        for gate in ("commit", ""):
            job = make_job(gate=gate, since=5)
            LedgerEntry.objects.create(scope="waits", key=str(job.pk), job_id=job.pk, created_at=ago(1))
        make_job("SUCCESSFUL", gate="limit", limit_key="k")
        text = look().replace("&amp;", "&")
        row = self.row(text, "default")
        told = {"limit": "2</a> by a limit", "after": "1</a> by other jobs", "commit": "1</a> by a commit"}
        for gate, words in told.items():
            assert f'?status=READY&gate={gate}&queue=default">{words}' in row
        assert '?status=READY&queue=default">2</a>' in row
        assert 'gate=limit&queue=mail">1</a> by a limit' in self.row(text, "mail")
        assert "gate=after" not in self.row(text, "mail")
        assert "Nothing is wrong." in text

    def test_a_number_of_those_leads_to_them(self, look, client):
        held = make_job(gate="limit", limit_key="k")
        make_job(gate="limit", limit_key="k", queue="mail")
        make_job()
        link = re.search(r'href="([^"]*gate=limit[^"]*queue=default)"', look())
        assert link
        listed = client.get(link[1].replace("&amp;", "&")).context["cl"].result_list
        assert [job.pk for job in listed] == [held.pk]

    def test_where_any_name_will_do_those_in_which_all_is_held_back_are_there(self, look, gone_backend, monkeypatch):
        anything = {gone_backend: task_backends[gone_backend]}
        for module in (situation, troubles):
            monkeypatch.setattr(module, "backends", lambda: anything)
        monkeypatch.setattr(troubles, "_redis", list)
        make_job(backend=gone_backend, queue="limited", gate="limit", limit_key="k", since=10)
        make_job(backend=gone_backend, queue="later", gate="after")
        text = look()
        assert "in the queue “limited” of backend “gone”, and no live worker serves it" in text
        assert "gate=after&amp;queue=later" in text

    @pytest.mark.parametrize("gate", ["limit", "after", "commit"])
    def test_of_those_too_counting_stops(self, look, monkeypatch, gate):
        for module in ("depths", "paging"):
            monkeypatch.setattr(f"jobqueue.admin.{module}.COUNT_AT_MOST", 3)
        for _ in range(5):
            job = make_job(gate=gate, limit_key="k")
            LedgerEntry.objects.create(scope="waits", key=str(job.pk), job_id=job.pk, created_at=ago(1))
        assert f'gate={gate}&amp;queue=default">3+</a> by' in self.row(look(), "default")

    def test_more_than_are_counted_are_told_as_that(self, look, monkeypatch):
        for module in ("depths", "paging"):
            monkeypatch.setattr(f"jobqueue.admin.{module}.COUNT_AT_MOST", 3)
        for _ in range(5):
            make_job(since=4)
        assert ">3+</a>" in self.row(look(), "default")

    def test_of_failures_beyond_the_newest_it_is_told_that_there_may_be_more(self, look, monkeypatch):
        monkeypatch.setattr("jobqueue.admin.depths.COUNT_AT_MOST", 3)
        for queue in ("default", "mail", "default", "default"):
            make_job("FAILED", queue=queue)
        text = look()
        assert ">3+</a>" in self.row(text, "default")
        assert ">1+</a>" in self.row(text, "mail")


class TestWorkers:
    def test_they_are_there_with_what_they_run(self, look):
        job = make_job("RUNNING")
        make_worker(executors=[{"pid": 7, "job": str(job.pk), "memory": 50 * 2**20}, {"pid": 8, "job": None}])
        text = look()
        assert "1 / 4" in text
        assert "50 MB" in text
        assert f">{job.pk}</a>" in text

    def test_an_older_version_is_marked_after_a_deploy(self, look):
        make_worker("w-1", version="1.0", started_at=ago(9000))
        make_worker("w-2", version="1.1", started_at=ago(30))
        assert look().count(">older<") == 1

    def test_nobody_is_there(self, look):
        assert "Nobody is there to run jobs: start a worker with" in look()

    def test_who_may_not_see_workers_sees_none(self, look):
        make_worker("w-secret")
        assert "w-secret" not in look("view_job")


def test_what_was_promised_and_kept_in_the_last_day_is_told(look):
    tallies.record({tallies.Key("default"): tallies.Count(renewed=1234, rescued=2, crashed=1, refused=1)})
    text = look()
    assert "<b>1,234</b> leases renewed" in text
    assert "<b>3</b> jobs saved" in text
    assert "<b>1</b> late write refused" in text


def test_who_may_not_see_jobs_sees_the_list_of_tables_alone(look):
    make_job("RUNNING", worker_id="gone")
    text = look("view_worker")
    assert "stuck" not in text
    assert "jq-room" not in text


@pytest.mark.django_db
def test_it_takes_as_few_queries_with_many_queues_and_jobs(admin_client):
    asked = []
    for queues in (["default"], [f"q-{n}" for n in range(40)]):
        for queue in queues:
            operations.pause_queue(queue, backend="embedded") if queue != "default" else None
            make_job(queue=queue)
            make_job("RUNNING", queue=queue)
        for number in range(len(queues)):
            make_worker(f"w-{queues[0]}-{number}", queues=queues)
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert admin_client.get(reverse(OVERVIEW, args=["jobqueue"])).status_code == 200
        asked.append(len(found))
    assert asked[0] == asked[1] <= 12, [query["sql"][:100] for query in found]


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "\u202egnissim", "a&b=c#d"])
@pytest.mark.django_db
def test_what_others_have_named_is_inert(admin_client, hostile):
    make_worker(hostile, queues=[hostile], version=hostile, executors=[{"pid": 1, "job": hostile}])
    make_job(queue=hostile, since=900)
    make_job("RUNNING", queue=hostile)
    page: Any = admin_client.get(reverse(OVERVIEW, args=["jobqueue"])).content.decode()
    assert hostile not in page.replace("&amp;", "&") or hostile == "a&b=c#d"
    assert "queue=a&b" not in page
    assert Job.objects.count() == 2
