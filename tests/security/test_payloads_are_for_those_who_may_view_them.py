"""Every address of the admin, as somebody who may do all but view payloads: nothing of a payload is told by any.

Whatever column there is or will be is a payload here, unless it is named as state.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db.models import CharField, JSONField, TextField
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now

from jobqueue.ledger import delivery_scope, scopes_of
from jobqueue.models import (
    Attempt,
    AttemptLog,
    Dependency,
    Job,
    LedgerEntry,
    Limit,
    PausedQueue,
    SavedView,
    Schedule,
    Tag,
    Tally,
    TaskDefinition,
    Worker,
)
from tests.admin.conftest import JOBS, make_attempt, make_job, make_worker, page_of
from tests.admin.conftest import staff as staff
from tests.app import tasks
from tests.security.test_nobody_acts_without_the_right_to import addresses

pytestmark = pytest.mark.django_db
MARK = "only-in-payloads"
NOT_SHOWN = "Not shown: you may not view payloads."
# Names, places and words of our own: what a queue is doing, and with which task.
STATE = {
    Job: {"backend", "task_path", "queue", "idempotency_key", "unique_key", "unique_while", "status", "gate",
          "limit_key", "outcome", "worker_id"},
    Attempt: {"worker_id", "outcome", "exception_class"},
    AttemptLog: set(),
    LedgerEntry: {"scope", "key"},
    Schedule: {"name", "task_path", "cron", "time_zone", "queue", "missed"},
    Dependency: {"on_failure"},
    # Nothing of a job is in these.
    TaskDefinition: None, PausedQueue: None, Limit: None, Worker: None, Tally: None, SavedView: None, Tag: None,
}  # fmt: skip
PAYLOAD: dict[str, Any] = {"args": [MARK], "kwargs": {MARK: MARK}}
FITS: dict[str, Any] = {"args": [MARK], "kwargs": {}}


def mark(row: Any, **columns: Any) -> Any:
    """Write the mark into every column of a row that is not state."""
    for field in row._meta.concrete_fields:
        if field.name in STATE[type(row)] or field.primary_key:
            continue
        if isinstance(field, JSONField):
            setattr(row, field.name, {"done": 1, "total": 2, "note": MARK, MARK: MARK})
        elif isinstance(field, CharField | TextField):
            setattr(row, field.name, MARK[: field.max_length])
    for name, value in columns.items():
        setattr(row, name, value)
    row.save_base()
    return row


@pytest.fixture
def rows() -> dict[Any, list[Any]]:
    """Give rows of every table with the mark in every payload."""
    jobs = []
    for status, columns in (
        ("READY", {"arguments": FITS}), ("RUNNING", {"arguments": PAYLOAD}), ("SUCCESSFUL", {"arguments": FITS}),
        ("FAILED", {"arguments": FITS}), ("FAILED", {"arguments": [MARK]}),
        ("FAILED", {"arguments": FITS, "outcome": "in_doubt"}), ("READY", {"arguments": FITS, "task_path": "gone.t"}),
    ):  # fmt: skip
        job = mark(make_job(status), **columns)
        attempt = mark(make_attempt(job))
        mark(AttemptLog(job_id=job.pk, token=attempt.token))
        jobs.append(job)
    entries = [
        mark(LedgerEntry(scope=scope, key=f"k{number}", job_id=job.pk, created_at=now()), value=value)
        for number, (job, scope, value) in enumerate(
            [
                *((job, scope, PAYLOAD) for job in jobs[1:4] for scope in scopes_of(job.pk)),
                (jobs[1], delivery_scope(jobs[1].pk), {"receipt": MARK, "by": "Ann"}),
                (jobs[5], delivery_scope(jobs[5].pk), None),
                (Job(), "enqueue:x", {"task_path": jobs[0].task_path, "arguments": FITS, "result": MARK}),
            ]
        )
    ]
    timed = [
        mark(Schedule(name=f"s{number}", task_path=tasks.echo.module_path, every=60, cron=""), **columns)
        for number, columns in enumerate(
            [{"arguments": FITS}, {"arguments": PAYLOAD}, {"arguments": FITS, "declared": True}, {"paused": True}]
        )
    ]
    Dependency.objects.create(job_id=jobs[0].pk, after_id=jobs[1].pk, position=0, on_failure="cancel")
    definition = TaskDefinition(path="a.b", queue="default", priority=0, max_attempts=1, synced_at=now())
    definition.save()
    paused = PausedQueue.objects.create(backend="default", name="mail")
    limit = Limit.objects.create(name="k", used_at=now())
    return {
        Job: jobs, LedgerEntry: entries, Schedule: timed, TaskDefinition: [definition], PausedQueue: [paused],
        Limit: [limit], Worker: [make_worker("w-1")],
    }  # fmt: skip


def pages(client: Client, rows: dict[Any, list[Any]]) -> Iterator[tuple[str, Any]]:
    """Yield every answer that there is."""
    queries = ("", f"?q={MARK}", f"?q=arg:{MARK}", f"?q=value%3D{MARK}", "?status=FAILED", "?refresh=2")
    lists = {reverse(f"admin:jobqueue_{model._meta.model_name}_changelist") for model in rows}
    asked = [
        reverse("admin:index"),
        reverse("admin:app_list", args=["jobqueue"]),
        *(address + query for address in lists for query in queries),
        *(address for model, some in rows.items() for row in some for address in addresses({model: row})),
        *(reverse("admin:jobqueue_job_decide", args=[row.pk]) for row in rows[LedgerEntry]),
    ]
    for address in dict.fromkeys(asked):
        yield address, client.get(address, follow=True)
    yield from _presses(client, rows)
    for address in dict.fromkeys(asked):
        yield address, client.get(address, follow=True)


def _presses(client: Client, rows: dict[Any, list[Any]]) -> Iterator[tuple[str, Any]]:
    ids = ",".join(str(row.pk) for row in [*rows[Job], Job(pk=uuid.uuid4())])
    for row in rows[Schedule]:
        yield "edit", client.post(page_of(row), {"task_path": tasks.total.module_path, "every": "no number"})
        whole = {"task_path": tasks.sleepy.module_path, "every": 60, "time_zone": "UTC", "missed": "last"}
        yield "edit", client.post(page_of(row), {**whole, "most": 1, "grace": 1}, follow=True)
        for deed in ("run", "pause", "resume"):
            address = reverse(f"admin:jobqueue_schedule_{deed}", args=[row.pk])
            yield address, client.post(address, follow=True)
    for verb in ("retry", "retry_at", "run", "copy", "cancel", "forget"):
        address = reverse(f"admin:jobqueue_job_{verb}")
        yield address, client.post(address, {"ids": ids})
        yield address, client.post(address, {"ids": ids, "confirmed": "yes", "at": "1h"}, follow=True)
        ticked = {"action": f"{verb}_selected", "select_across": "1", "_selected_action": str(rows[Job][0].pk)}
        yield address, client.post(f"{reverse(JOBS)}?status=FAILED", ticked)
    for entry in rows[LedgerEntry]:
        address = reverse("admin:jobqueue_job_decide", args=[entry.pk])
        yield address, client.post(address, {"answer": "done", "receipt": "{"}, follow=True)
        yield address, client.post(address, {"answer": "again"}, follow=True)


def everything_but(name: str) -> set[str]:
    """Return every permission of jobqueue but one."""
    return set(Permission.objects.filter(content_type__app_label="jobqueue").values_list("codename", flat=True)) - {
        name
    }


def test_every_table_is_looked_at() -> None:
    """A new one, or a new column, is a payload until somebody says here that it is state."""
    models = {
        model
        for model in apps.get_app_config("jobqueue").get_models()
        if any(isinstance(field, CharField | TextField | JSONField) for field in model._meta.concrete_fields)
    }
    assert models == set(STATE)
    for model, names in STATE.items():
        assert set(names or ()) <= {field.name for field in model._meta.concrete_fields}


def test_no_page_tells_anything_of_them(staff: Callable[..., Client], rows: dict[Any, list[Any]]) -> None:
    client, seen = staff(*everything_but("view_payload_job")), 0
    for address, answer in pages(client, rows):
        assert answer.status_code in (200, 400, 403, 404, 405), address
        text = answer.text
        if MARK in address:
            # Whoever searches for a text is told what he has searched for.
            text = re.sub(rf'(value="|=|:|%3[AD]|%253[AD]){MARK}', "", text)
        at = text.find(MARK)
        assert at < 0, (address, text[max(0, at - 300) : at + 60])
        seen += NOT_SHOWN in text
    assert seen > 20


def test_the_same_pages_tell_it_to_those_who_may(admin_client: Client, rows: dict[Any, list[Any]]) -> None:
    """Else the test above would see nothing."""
    told = [
        page_of(row) for row in [*rows[Job][:5], *rows[LedgerEntry][:7], rows[LedgerEntry][-1], *rows[Schedule][:2]]
    ]
    for address in [reverse(JOBS), *told]:
        text = admin_client.get(address).text
        assert MARK in text, address
        assert NOT_SHOWN not in text


@pytest.mark.parametrize("part", ["Progress", "1 / 2", "RUNNING", "w-1", "builtins.ValueError"])
def test_the_state_is_shown(staff: Callable[..., Client], part: str) -> None:
    job = make_job("RUNNING")
    make_attempt(job, exception_class="builtins.ValueError", traceback=MARK, progress={"done": 1, "total": 2})
    assert part.casefold() in staff("view_job").get(page_of(job)).text.casefold()


def test_who_may_view_payloads_alone_views_nothing(staff: Callable[..., Client], rows: dict[Any, list[Any]]) -> None:
    assert staff("view_payload_job").get(page_of(rows[Job][0])).status_code == 403


def test_a_search_finds_no_argument_and_says_so(staff: Callable[..., Client], rows: dict[Any, list[Any]]) -> None:
    answer = staff("view_job").get(reverse(JOBS), {"q": f"arg:{MARK}"})
    assert answer.context["cl"].result_list == []
    assert NOT_SHOWN in answer.text


def test_who_edits_a_schedule_keeps_the_arguments_that_he_may_not_view(staff: Callable[..., Client]) -> None:
    row = Schedule.objects.create(name="s", task_path=tasks.echo.module_path, every=60, arguments=FITS)
    client = staff("view_schedule", "change_schedule")
    form = client.get(page_of(row)).context["adminform"].form
    assert "arguments" not in form.fields
    data = {name: value for name, value in form.initial.items() if name in form.fields and value is not None}
    data |= {"every": 120, "starts_at_0": "2026-01-01", "starts_at_1": "00:00:00"}
    assert client.post(page_of(row), {**data, "arguments": '{"args": [5], "kwargs": {}}'}).status_code == 302
    row.refresh_from_db()
    assert (row.every, row.arguments) == (120, FITS)
