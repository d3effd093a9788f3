"""Every page of the admin, over rows that are hostile in every column: an answer, and nothing in it but text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.db.models import CharField, JSONField, TextField
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from jobqueue.models import Attempt, Job, LedgerEntry, PausedQueue, Schedule, TaskDefinition, Worker
from tests.admin.conftest import JOBS, make_attempt, make_job, make_worker, page_of
from tests.app import tasks
from tests.security.hostile import HOSTILE, LONG, RAW, SHORT, fill
from tests.security.hostile import spoil as spoil_row
from tests.security.rows import BAD_ARGUMENTS, spoil, write

pytestmark = pytest.mark.django_db
LISTS = [
    f"admin:jobqueue_{name}_changelist"
    for name in ("job", "worker", "ledgerentry", "taskdefinition", "pausedqueue", "limit", "schedule")
]
VERBS = [f"admin:jobqueue_job_{verb}" for verb in ("retry", "retry_at", "cancel", "run", "copy", "forget")]


class Tags(HTMLParser):
    """The elements of a page, each with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.found.append((tag, dict(attrs)))


def _acts(attributes: dict[str, str | None]) -> bool:
    links = [(attributes.get(name) or "").strip().lower() for name in ("href", "src", "action", "formaction")]
    return (
        any(name.startswith("on") for name in attributes)
        or "/gone" in links
        or any(link.startswith(("javascript:", "data:", "vbscript:", "//")) for link in links)
    )


def check(page: str) -> None:
    """Check that others' text is in a page as text alone."""
    raw = [page[max(0, at - 200) : at + 40] for at, character in enumerate(page) if character in RAW]
    assert not raw, raw[:3]
    assert "5929" not in page
    tags = Tags()
    tags.feed(page)
    assert len(tags.found) > 10
    assert not [(tag, attributes) for tag, attributes in tags.found if tag == "q" or _acts(attributes)]


def pages(client: Client, rows: list[Any]) -> Iterator[str]:
    """Yield every page that shows something of these rows."""
    ids = ",".join(str(row.pk) for row in rows if isinstance(row, Job))
    plots = reverse("admin:jobqueue_job_plots")
    others = [reverse("admin:jobqueue_job_failures"), plots, f"{plots}?reach=day&queue={quote(HOSTILE)}"]
    for address in [*map(reverse, LISTS), *others, *map(page_of, rows)]:
        answer = client.get(address)
        assert answer.status_code == 200, address
        yield answer.content.decode()
    for verb in VERBS[:-1]:
        yield client.post(reverse(verb), {"ids": ids}).content.decode()
        yield client.post(reverse(verb), {"ids": ids, "confirmed": "yes"}, follow=True).content.decode()
    yield from _presses(client, rows)
    yield from _runs(client)
    # A queue is no row any more once it is resumed.
    for row in (row for row in rows if not isinstance(row, PausedQueue)):
        history = reverse(f"admin:jobqueue_{row._meta.model_name}_history", args=[quote(row.pk)])
        yield client.get(history).content.decode()
    yield client.post(reverse(VERBS[-1]), {"ids": ids}).content.decode()
    yield client.post(reverse(VERBS[-1]), {"ids": ids, "confirmed": "yes"}, follow=True).content.decode()
    # What was done lately is told on these two.
    yield client.get(reverse("admin:index")).content.decode()
    yield client.get(reverse("admin:app_list", args=["jobqueue"])).content.decode()


def _runs(client: Client) -> Iterator[str]:
    """Yield what is told when somebody runs a task with odd arguments."""
    definition = TaskDefinition(path=tasks.echo.module_path, priority=0, max_attempts=1, synced_at=now())
    spoil_row(definition)
    address = reverse("admin:jobqueue_taskdefinition_run", args=[quote(definition.pk)])
    yield client.get(address).text
    odd = dict.fromkeys(("parameter-value", "queue", "priority", "delay"), HOSTILE)
    yield client.post(address, odd).text
    yield client.post(address, {"parameter-value": json.dumps(HOSTILE), "confirmed": "on"}, follow=True).text
    assert LogEntry.objects.filter(change_message__startswith="Run as job").count() == 2
    yield client.get(page_of(definition)).text
    yield client.get(reverse("admin:jobqueue_taskdefinition_history", args=[quote(definition.pk)])).text


def _presses(client: Client, rows: list[Any]) -> Iterator[str]:
    """Yield what is told when somebody presses what there is to press on pages of schedules, queues and doubts."""
    for row in rows:
        if isinstance(row, Schedule):
            yield from _presses_of_schedule(client, row)
        elif isinstance(row, PausedQueue):
            resumed = {"_selected_action": row.pk, "action": "resume_selected"}
            yield client.post(reverse("admin:jobqueue_pausedqueue_changelist"), resumed, follow=True).text
        elif isinstance(row, LedgerEntry) and row.scope.startswith("delivery:"):
            yield from _answers(client, row)


def _presses_of_schedule(client: Client, row: Schedule) -> Iterator[str]:
    for deed in ("run", "pause", "resume"):
        yield client.post(reverse(f"admin:jobqueue_schedule_{deed}", args=[row.pk]), follow=True).text
    if not row.declared:
        yield client.get(reverse("admin:jobqueue_schedule_delete", args=[row.pk])).text
        yield client.post(page_of(row), {"most": "no number"}).text


def _answers(client: Client, row: LedgerEntry) -> Iterator[str]:
    decide = reverse("admin:jobqueue_job_decide", args=[row.pk])
    for asked in (None, {"answer": "done", "receipt": "{"}, {"answer": "done", "receipt": '"<q>"'}):
        answer = client.get(decide) if asked is None else client.post(decide, asked, follow=True)
        # There is nothing to decide about nonsense.
        assert answer.status_code == (404 if "args" in (row.value or {}) else 200)
        if answer.status_code == 200:
            yield answer.text


def test_there_is_a_hostile_row_of_every_table_with_a_text() -> None:
    fill()
    for model in apps.get_app_config("jobqueue").get_models():
        if any(isinstance(field, CharField | TextField | JSONField) for field in model._meta.concrete_fields):
            assert model.objects.exists(), model


def test_whatever_is_in_the_rows(admin_client: Client) -> None:
    rows = fill()
    seen = list(pages(admin_client, rows))
    for page in seen:
        check(page)
    assert LogEntry.objects.filter(change_message__contains="Cancelled while").exists()
    for done in ("Paused.", "Resumed", "Decided that"):
        assert LogEntry.objects.filter(change_message__startswith=done).exists(), done
    assert sum("&lt;script&gt;alert(1)" in page for page in seen) > 20


def test_very_long_texts_are_cut(admin_client: Client) -> None:
    job = make_job("FAILED")
    make_attempt(job, traceback=LONG * 10)
    page = admin_client.get(page_of(job)).content.decode()
    assert "more characters" in page
    assert len(page) < 5_000_000


@pytest.mark.parametrize("why", BAD_ARGUMENTS)
def test_bad_json_is_told_as_such(admin_client: Client, why: str) -> None:
    job = make_job("SUCCESSFUL")
    if not spoil(job.pk, arguments=BAD_ARGUMENTS[why], result=BAD_ARGUMENTS[why]):
        return
    page = admin_client.get(page_of(job)).content.decode()
    assert admin_client.get(reverse(JOBS)).status_code == 200
    assert len(page) < 100_000
    if "levels" in why or why in ("NUL", "cut off", "huge"):
        assert "Not read: " in page


SHAPES = ["5", "null", '"text"', "[]", "{}", "[[1], null]", '[{"pid": [], "job": {}}, {"pid": -1, "job": []}]', "{bad"]


@pytest.mark.parametrize("shape", SHAPES)
def test_json_of_any_shape_is_shown_somehow(admin_client: Client, shape: str) -> None:
    worker, job = make_worker(), make_job("RUNNING")
    attempt = make_attempt(job, pid=None)
    entry = LedgerEntry.objects.create(scope="enqueue:x", key="k", job_id=job.pk, created_at=job.due_at)
    for model, pk, columns in (
        (Worker, worker.pk, ("queues", "executors")),
        (Attempt, attempt.pk, ("progress",)),
        (LedgerEntry, entry.pk, ("value",)),
    ):
        if not write(model, pk, **dict.fromkeys(columns, shape)):
            return
    make_job(queue="elsewhere")
    for address in [*map(reverse, LISTS), *map(page_of, (worker, job, entry, Job.objects.first()))]:
        assert admin_client.get(address).status_code == 200


@pytest.mark.parametrize("number", [0.0, -1.0, 1e308])
def test_periods_that_no_worker_has(admin_client: Client, number: float) -> None:
    worker, job = make_worker(lease_seconds=number), make_job("RUNNING", backend="plain")
    definition = TaskDefinition.objects.create(
        path="a.b", timeout=number, priority=0, max_attempts=1, synced_at=job.due_at
    )
    for address in [*map(reverse, LISTS), *map(page_of, (worker, job, definition))]:
        assert admin_client.get(address).status_code == 200


def test_an_outcome_of_another_version_is_shown_as_it_is(admin_client: Client) -> None:
    job = make_job("FAILED", outcome="eaten")
    make_attempt(job, outcome="eaten")
    assert admin_client.get(page_of(job)).content.decode().count("eaten") >= 2


def test_only_text_of_strangers_is_spelled(admin_client: Client) -> None:
    """Arguments in any script are shown as they are."""
    job = make_job(task=tasks.echo.module_path, arguments={"args": ["日本語 عربي é 🐌"], "kwargs": {}})
    for address in (reverse(JOBS), page_of(job)):
        assert "日本語 عربي é 🐌" in admin_client.get(address).content.decode()


def test_no_column_is_shown_as_the_table_has_it() -> None:
    """Django escapes it and no more, so what is unseen in it would stay so."""
    ours = {model: admin for model, admin in site._registry.items() if model._meta.app_label == "jobqueue"}
    assert len(ours) == 7
    for model, admin in ours.items():
        texts = {f.name for f in model._meta.concrete_fields if isinstance(f, CharField | TextField | JSONField)}
        assert not texts & {*admin.list_display, *(admin.fields or ()), *filter(None, map(str, admin.list_filter))}


def test_the_texts_of_these_tests_are_hostile() -> None:
    assert set(SHORT) & RAW
    assert set(HOSTILE) >= RAW
