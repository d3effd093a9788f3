"""The Python of the README and of what a project may ask (unique jobs, dependencies, coroutines, databases) runs."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.tasks import task
from django.utils.timezone import now

from jobqueue import lifecycle
from jobqueue.conf import Options
from jobqueue.database import connection
from jobqueue.models import Job
from tests.app.models import Counter, Entry
from tests.app.tasks import add
from tests.docs.conftest import to_its_end
from tests.docs.pages import examples
from tests.effects.runs import WORKER, Stage


@task
def any_work(*args: Any) -> None:
    """Stand for a task that a page only names."""


def note(text: str) -> str:
    Entry.objects.create(note=text)
    return text


def notes() -> list[str]:
    return list(Entry.objects.order_by("pk").values_list("note", flat=True))


@pytest.fixture
def readme(page: Any, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Any:
    models = ModuleType("shop.models")
    vars(models)["Counter"] = Counter
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.models", models)
    return page("README", fetch=str.split, chunks=lambda rows: rows, store=note)


def test_the_settings_of_the_readme_are_good(readme: Any) -> None:
    assert Options.read("default", readme.TASKS["default"]["OPTIONS"]).redis in readme.CACHES


def test_the_tasks_of_the_readme_run(readme: Any, run: Any) -> None:
    counter = Counter.objects.create(name="visits")
    assert run(readme.bump, counter.pk).job.status == "SUCCESSFUL"
    counter.refresh_from_db()
    assert counter.value == 1
    assert run(readme.import_orders, "a b").job.status == "SUCCESSFUL"
    assert notes() == ["a", "b"]


def test_the_calls_of_the_readme_are_enqueued(readme: Any) -> None:
    assert readme.bump.get_result(readme.result.id).status == "READY"
    assert readme.bump.using(idempotency_key="order-42").enqueue(1).enqueued_before
    assert Job.objects.count() == 2


@pytest.fixture
def unique(page: Any, transactional_db: None) -> Any:
    return page("unique", orders=[SimpleNamespace(pk=pk, due=now() + timedelta(hours=pk)) for pk in (1, 2)])


def test_jobs_are_unique(unique: Any, stage: Stage) -> None:
    assert not unique.result.enqueued_before
    again = unique.refresh_index.enqueue(7)
    assert (again.id, again.enqueued_before) == (unique.result.id, True)
    assert unique.refresh_index.enqueue(shop_id=7).id != again.id
    running = unique.sync_orders.enqueue(7)
    stage.claim(unique.refresh_index, again.id)
    stage.claim(unique.sync_orders, running.id)
    assert unique.refresh_index.enqueue(7).id != again.id
    assert unique.sync_orders.enqueue(7).id == running.id
    assert unique.charge.enqueue(1).id == unique.charge.enqueue(1, retry=True).id != unique.charge.enqueue(2).id


def test_many_are_enqueued(unique: Any) -> None:
    first, second = (Job.objects.get(pk=result.id) for result in unique.results)
    assert [first.arguments["args"], second.arguments["args"]] == [[1], [2]]
    assert timedelta(minutes=50) < second.due_at - first.due_at < timedelta(minutes=70)
    assert unique.remind.using(idempotency_key="remind-1").enqueue(1).id == unique.results[0].id


def test_the_words_are_counted(page: Any, stage: Stage) -> None:
    named = {"download", "unpack", "import_rows", "resize", "publish", "split", "count"}
    made_up = {**dict.fromkeys(named, any_work), "url": "https://example.com", "photo": 1, "book": 2}
    shown = page("dependencies", **made_up)
    paths = [shown.count_words.module_path]
    for claim in lifecycle.claim(
        connection(), backend="default", queue="default", paths=paths, worker_id=WORKER, limit=10
    ):
        to_its_end(stage, claim)
    lifecycle.judge([UUID(shown.total.id)])
    to_its_end(stage, stage.claim(shown.add_up, shown.total.id))
    shown.total.refresh()
    assert shown.total.return_value == 6
    assert Job.objects.filter(task_path=any_work.module_path).count() == 9


class Site:
    """Of a project: what a coroutine asks and changes through the ORM."""

    def __init__(self) -> None:
        self.objects = self
        self.pk, self.url, self.status = 1, "https://example.com", 0

    async def aget(self, *, pk: int) -> Site:
        return self

    def filter(self, *, pk: int) -> Site:
        return self

    async def aupdate(self, *, status: int) -> None:
        self.status = status


class Client:
    """Of httpx: what the page uses."""

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: Any) -> None:
        """Close nothing."""

    async def get(self, url: str, *, timeout: float) -> Any:
        return SimpleNamespace(status_code=204)


def test_coroutines_run(page: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    httpx = ModuleType("httpx")
    vars(httpx)["AsyncClient"] = Client
    monkeypatch.setitem(sys.modules, "httpx", httpx)
    asked: list[str] = []

    async def call_the_bank(order_id: int, *, key: str) -> str:
        asked.append(key)
        return f"paid {order_id}"

    site = Site()
    shown = page("concurrency", Site=site, call_the_bank=call_the_bank, store=lambda order_id, answer: note(answer))
    assert run(shown.check, 1).job.status == "SUCCESSFUL"
    assert site.status == 204
    done = run(shown.charge, 3)
    assert (done.job.status, asked, notes()) == ("SUCCESSFUL", [f"{done.id}:charge"], ["paid 3"])


def test_the_router_of_databases_sends_jobs_away_and_leaves_the_ledger(page: Any) -> None:
    shown = page("databases", only=0)
    router = shown.JobsRouter()
    assert [router.db_for_read(Job), router.db_for_write(Job), router.db_for_read(Entry)] == ["jobs", "jobs", None]
    assert router.allow_migrate("default", "jobqueue")
    assert router.allow_migrate("jobs", "jobqueue")
    assert not router.allow_migrate("billing", "jobqueue")
    assert router.allow_migrate("default", "shop") is None


def test_the_settings_of_databases_are_good(page: Any) -> None:
    assert page("databases", only=1).DATABASE_ROUTERS == ["shop.routers.JobsRouter"]
    options = Options.read("default", page("databases", only=3).TASKS["default"]["OPTIONS"])
    assert (options.writes_to, options.unfenced_databases) == ("default", ("logs",))


def test_an_order_names_its_job(page: Any, transactional_db: None) -> None:
    order = SimpleNamespace(pk=5, save=lambda: None)
    orders = SimpleNamespace(objects=SimpleNamespace(create=lambda *_: order))
    shown = page("databases", only=2, Order=orders, charge=any_work)
    assert order.charge_id == shown.result.id
    assert Job.objects.get(pk=order.charge_id).arguments["args"] == [5]


def test_steps_and_bodies_write_elsewhere(page: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The suite has one database, so the other alias is the same; tests/aliases has two.
    monkeypatch.setattr("tests.docs.conftest.examples", lambda name: [examples(name)[4].replace("billing", "default")])
    orders = SimpleNamespace(
        objects=SimpleNamespace(filter=lambda pk: SimpleNamespace(update=lambda shipped: note("shipped")))
    )
    shown = page(
        "databases",
        Order=orders,
        notify=any_work,
        sum_up=lambda month: note(f"sum of {month}"),
        write_invoices=lambda month, total: note(f"invoices of {month}: {total}"),
    )
    assert run(shown.close_month, "May").job.status == "SUCCESSFUL"
    assert run(shown.ship, 5).job.status == "SUCCESSFUL"
    assert notes() == ["sum of May", "invoices of May: sum of May", "shipped"]
    assert Job.objects.get(task_path=any_work.module_path).arguments["args"] == [5]


@pytest.mark.django_db(transaction=True)
def test_the_test_of_the_reference_passes(page: Any) -> None:
    counter = Counter.objects.create(name="visits")
    case = page("reference", bump=add, counter=counter).BumpTest("test_a_visit_is_counted")
    case.test_a_visit_is_counted()
    counter.refresh_from_db()
    assert counter.value == 1
