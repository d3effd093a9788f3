"""Every page of the admin, and what it says when something is pressed. Knows no language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobqueue.models import Job, PausedQueue, SavedView, Schedule, TaskDefinition
from tests.admin.conftest import make_job

VERBS = ("retry", "retry_at", "run", "copy", "cancel", "forget")


def pages(client: Client, shop: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every page that a shop has, then of all that is said after presses."""
    for name, path in shop.items():
        yield name, client.get(path).text
    yield "plots of a month", client.get(shop["plots"], {"reach": "month"}).text
    yield "jobs, filtered", client.get(shop["list of job"], {"status": "FAILED", "unknown": "1"}).text
    yield "jobs with an argument", client.get(shop["list of job"], {"q": "arg:5"}).text
    yield from _saved(client)
    yield from _runs(client, shop["run"])
    yield from _verbs(client)
    yield from _pauses(client)
    yield from _schedules(client)
    yield from _answers(client, shop["decide"])
    for model in (Job, Schedule, TaskDefinition):
        row = model.objects.first()
        yield f"history of {model.__name__}", client.get(_url(model.__name__.lower(), "history", row.pk)).text


def _verbs(client: Client) -> Iterator[tuple[str, str]]:
    jobs = [job.pk for job in Job.objects.all()]
    for verb in VERBS:
        ids = ",".join(map(str, [*jobs, make_job().pk]))
        yield f"{verb}: confirm", client.post(_url("job", verb), {"ids": ids}).text
        yield f"{verb}: done", _confirmed(client, verb, ids)
    for at in ("soon", "1999-01-01", "999d"):
        yield "no moment", _confirmed(client, "retry_at", str(make_job("FAILED").pk), at)
    ticked = {"action": "retry_selected", "select_across": "1", "_selected_action": jobs[0]}
    yield "all that match: confirm", client.post(_url("job", "changelist") + "?status=FAILED", ticked).text


def _confirmed(client: Client, verb: str, ids: str, at: str = "1h") -> str:
    return client.post(_url("job", verb), {"ids": ids, "confirmed": "yes", "at": at}, follow=True).text


def _saved(client: Client) -> Iterator[tuple[str, str]]:
    for name in ("order", ""):
        kept = client.post(_url("job", "save_view"), {"name": name, "query": "status=FAILED"}, follow=True)
        yield "keep a filter", kept.text
    view = {"view": SavedView.objects.get().pk, "query": "status=FAILED"}
    yield "forget a filter", client.post(_url("job", "drop_view"), view, follow=True).text


def _runs(client: Client, run: str) -> Iterator[tuple[str, str]]:
    fits = {"parameter-order": "5"}
    for given in ({}, {"parameter-order": "{", "queue": "maul", "delay": "-1"}, fits, fits | {"confirmed": "on"}):
        yield "run a task", client.post(run, given, follow=True).text


def _pauses(client: Client) -> Iterator[tuple[str, str]]:
    task, queue = {"path": TaskDefinition.objects.all()[0].path}, {"backend": "default", "name": "default"}
    for verb in ("pause", "resume"):
        yield f"{verb} a task", client.post(_url("taskdefinition", verb), task, follow=True).text
        yield f"{verb} a queue", client.post(_url("pausedqueue", verb), queue, follow=True).text
    for odd in ({"backend": "default", "name": "maul"}, {"backend": "defualt", "name": "mail"}):
        yield "pause no queue", client.post(_url("pausedqueue", "add"), odd).text
    ticked = {"action": "resume_selected", "_selected_action": PausedQueue.objects.get().pk}
    yield "resume queues", client.post(_url("pausedqueue", "changelist"), ticked, follow=True).text


BAD_SCHEDULES: tuple[dict[str, Any], ...] = (
    {},
    {"name": "a\tb", "cron": "1 2", "time_zone": "Nowhere", "arguments": "{"},
    {"cron": "0 0 31 2 *", "arguments": "[1]", "most": "0", "grace": "-1"},
    {"cron": "61 * * * *", "every": "5", "arguments": '{"args": ["\\u0000"], "kwargs": {}}'},
    {"every": "999999999", "arguments": '{"args": [], "kwargs": {"no": 1}}'},
    {
        "every": "60",
        "starts_at_0": "2030-01-02",
        "starts_at_1": "00:00",
        "ends_at_0": "2030-01-01",
        "ends_at_1": "00:00",
    },
)


def _schedules(client: Client) -> Iterator[tuple[str, str]]:
    rows = list(Schedule.objects.all())
    for deed in ("run", "pause", "resume"):
        for row in rows:
            yield f"{deed} a schedule", client.post(_url("schedule", deed, row.pk), follow=True).text
    form = {"name": "n", "task_path": rows[0].task_path, "time_zone": "UTC", "arguments": '{"args": [], "kwargs": {}}'}
    form |= {"missed": "last", "most": "10", "grace": "60"}
    for bad in BAD_SCHEDULES:
        yield "bad schedule", client.post(_url("schedule", "add"), form | bad).text
    edited = next(row for row in rows if not row.declared)
    yield "edit a schedule", client.get(_url("schedule", "change", edited.pk)).text
    yield "delete a schedule", client.get(_url("schedule", "delete", edited.pk)).text


def _answers(client: Client, decide: str) -> Iterator[tuple[str, str]]:
    yield "no receipt", client.post(decide, {"answer": "done", "receipt": "{"}).text
    yield "decided", client.post(decide, {"answer": "done", "receipt": "1"}, follow=True).text


def _url(model: str, page: str, *args: Any) -> str:
    return reverse(f"admin:jobqueue_{model}_{page}", args=args)


def people() -> set[str]:
    """Return the names of those who are signed in."""
    return set(User.objects.values_list("username", flat=True))
