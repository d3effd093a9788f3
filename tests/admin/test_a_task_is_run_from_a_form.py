"""Run… on the page of a task: a field for each parameter, a call that its signature takes, a job, a line in the log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.utils import quote
from django.http import HttpResponse
from django.tasks import TaskContext, task
from django.test import Client
from django.urls import reverse

from jobqueue.models import Job, TaskDefinition
from tests.admin.conftest import ago, page_of

pytestmark = pytest.mark.django_db


@task(sensitive=("card",))
def pay(order: int, card: str, note: str | None = None, *, password: str = "", priority: Any = None) -> None:
    """Take the money."""


@task(takes_context=True)
def everything(
    context: TaskContext,
    first: Any,
    second: Any = (1,),
    /,
    third: int = 3,
    *more: int,
    only: bool = False,
    **options: Any,
) -> None:
    """Take all there is."""


@task
def nothing() -> None:
    """Take nothing."""


@task(unique="waiting")
def alone(name: str) -> None:
    """Be the only one."""


def _no_key(name: str) -> str:
    raise LookupError(name)


@task(concurrency={"key": _no_key, "limit": 1})
def keyless(name: str) -> None:
    """Have a limit whose key nobody can tell."""


@task(unique="waiting", unique_key=_no_key)
def unlike(name: str) -> None:
    """Be like no other, as far as anybody can tell."""


@pytest.fixture(autouse=True)
def _declared() -> None:
    values = {"backend": "default", "queue": "default", "priority": 0, "effects": "atomic", "max_attempts": 3}
    for one in (pay, everything, nothing, alone, keyless, unlike):
        TaskDefinition.objects.create(path=one.module_path, synced_at=ago(1), **values)


def address(one: Any) -> str:
    return reverse("admin:jobqueue_taskdefinition_run", args=[quote(one.module_path)])


def send(client: Client, one: Any, *, queue: str = "", priority: str = "", delay: str = "", **given: str) -> Any:
    """Fill in the form and send it."""
    fields = {f"parameter-{name}": value for name, value in given.items()}
    data = {**fields, "queue": queue, "priority": priority, "delay": delay, "confirmed": "on"}
    return client.post(address(one), data)


def errors(answer: HttpResponse) -> dict[str, str]:
    """Return what is said beside which field."""
    assert answer.status_code == 200
    assert not Job.objects.exists()
    assert not LogEntry.objects.exists()
    found: Any = answer.context["form"].errors  # type: ignore[attr-defined]
    return {name.removeprefix("parameter-"): " ".join(texts) for name, texts in found.items()}


def call() -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of the one job that there is."""
    arguments = Job.objects.get().arguments
    return arguments["args"], arguments["kwargs"]


def test_there_is_a_field_for_each_parameter_with_its_type_and_default(admin_client: Client) -> None:
    html = admin_client.get(address(pay)).text
    for text in ("Type: int.", "Type: str | None. Empty is None.", "Empty is its default."):
        assert text in html
    form = admin_client.get(address(pay)).context["form"]
    assert [field.label for field in form.arguments()] == ["order", "card", "note", "password", "priority"]
    hidden = [it.label for it in form.arguments() if getattr(it.field.widget, "input_type", "") == "password"]
    assert hidden == ["card", "password"]
    form = admin_client.get(address(everything)).context["form"]
    assert [field.label for field in form.arguments()] == ["first", "second", "third", "*more", "only", "**options"]
    assert "It takes none." in admin_client.get(address(nothing)).text


def test_a_job_is_enqueued_and_both_pages_say_so(admin_client: Client) -> None:
    answer = send(admin_client, pay, order="4711", card="4929-1234", note=" as it is ", password="geheim-99")
    job = Job.objects.get()
    assert (job.task_path, job.status) == (pay.module_path, "READY")
    assert call() == ([4711, "4929-1234", " as it is "], {"password": "geheim-99"})
    page = admin_client.get(answer.url).text
    assert "was enqueued." in page
    assert page_of(job) in page
    told = f"Run as job {job.pk}."
    assert list(LogEntry.objects.order_by("pk").values_list("object_id", "change_message", "action_flag")) == [
        (pay.module_path, told, CHANGE),
        (str(job.pk), told, ADDITION),
    ]
    history = admin_client.get(reverse("admin:jobqueue_taskdefinition_history", args=[quote(pay.module_path)])).text
    assert "Run as job" in history
    assert "4711" not in history
    for text in (page, history):
        assert "4929" not in text
        assert "geheim" not in text


def test_queue_priority_and_delay_may_be_chosen(admin_client: Client) -> None:
    send(admin_client, nothing, queue="mail", priority="-7", delay="3600")
    job = Job.objects.get()
    assert (job.queue, job.priority) == ("mail", -7)
    assert timedelta(minutes=59) < job.due_at - job.enqueued_at < timedelta(minutes=61)


@pytest.mark.parametrize(
    ("given", "args", "kwargs"),
    [
        ({"first": '"a"'}, ["a"], {}),
        ({"first": "null", "second": "[2]", "third": "{}"}, [None, [2], {}], {}),
        ({"first": "1", "third": "5"}, [1], {"third": 5}),
        ({"first": "1", "second": "2", "third": "3", "more": "[4, 5]"}, [1, 2, 3, 4, 5], {}),
        (
            {"first": "1", "only": "true", "options": '{"more": 1, "first": 2}'},
            [1],
            {"only": True, "more": 1, "first": 2},
        ),
    ],
)
def test_a_call_is_what_the_signature_takes(
    admin_client: Client, given: dict[str, str], args: list[Any], kwargs: dict[str, Any]
) -> None:
    assert send(admin_client, everything, **given).status_code == 302
    assert call() == (args, kwargs)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ('"in quotes"', "in quotes"),
        ('""', ""),
        ("5", "5"),
        ('"a" or "b"', '"a" or "b"'),
        ('"', '"'),
    ],
)
def test_a_text_is_given_as_it_is(admin_client: Client, text: str, value: str) -> None:
    send(admin_client, alone, name=text)
    assert call() == ([value], {})


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({}, "first", "This has to be given."),
        ({"first": "plain"}, "first", 'A text goes into quotes: "plain"'),
        ({"first": "100%"}, "first", '"100%"'),
        ({"first": "NaN"}, "first", "NaN is not a number of JSON"),
        ({"first": "[" * 50 + "]" * 50}, "first", "nested more than 31 levels deep"),
        ({"first": '"\\u0000"'}, "first", "NUL character"),
        ({"first": "1", "more": "{}"}, "more", "This has to be a list: […]."),
        ({"first": "1", "more": "[1"}, "more", "This is not read: it is no JSON"),
        ({"first": "1", "options": "[]"}, "options", "This has to be an object: {…}."),
        ({"first": "1", "options": '{"only": 1}'}, "options", "These have a field of their own: only."),
        ({"first": "1", "more": "[4]"}, "second", "What comes behind it is given by position"),
        ({"first": f'"{"x" * 300_000}"'}, "__all__", "raise OPTIONS["),
        ({"first": "1", "priority": "101"}, "priority", "less than or equal to 100"),
        ({"first": "1", "queue": "elsewhere"}, "queue", "There is no such queue."),
        ({"first": "1", "delay": "-5"}, "delay", "greater than or equal to 0"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_wrong_is_said_beside_its_field(
    admin_client: Client, given: dict[str, str], field: str, says: str
) -> None:
    found = errors(send(admin_client, everything, **given))
    assert set(found) == {field}
    assert says in found[field]


def test_nothing_is_enqueued_without_a_yes(admin_client: Client) -> None:
    answer = admin_client.post(address(nothing), {"queue": ""})
    assert set(errors(answer)) == {"confirmed"}


def test_what_is_sensitive_is_not_sent_back(admin_client: Client) -> None:
    answer = send(admin_client, pay, order="no number", card="4929-1234", password="geheim-99")
    assert set(errors(answer)) == {"order"}
    assert "4929" not in answer.text
    assert "geheim" not in answer.text
    assert "no number" in answer.text


def test_what_is_not_seen_is_spelled_and_is_read_as_what_it_was(admin_client: Client) -> None:
    answer = send(admin_client, pay, order="no number", card="1234", note="a\u202eb", queue="")
    assert "\u202e" not in answer.text
    shown = answer.context["form"]["parameter-note"].value()
    assert shown == '"a\\u202eb"'
    send(admin_client, pay, order="1", card="1234", note=shown)
    assert call() == ([1, "1234", "a\u202eb"], {})


def test_a_job_that_is_there_already_is_named(admin_client: Client) -> None:
    send(admin_client, alone, name="ada")
    logged = LogEntry.objects.count()
    answer = send(admin_client, alone, name="ada")
    assert Job.objects.count() == 1
    assert "There is a job of the same call" in admin_client.get(answer.url).text
    # Somebody else's deed would be put down to whoever came second.
    assert LogEntry.objects.count() == logged


def test_a_form_that_is_sent_twice_makes_one_job(admin_client: Client) -> None:
    sending = admin_client.get(address(nothing)).context["sending"]
    for _ in range(2):
        answer = admin_client.post(address(nothing), {sending["name"]: sending["value"], "confirmed": "on"})
    assert Job.objects.count() == 1
    assert LogEntry.objects.count() == 2
    assert "This form was sent before, and was not acted on again." in admin_client.get(answer.url).text
    send(admin_client, nothing)
    assert Job.objects.count() == 2


def test_what_the_backend_refuses_is_said(admin_client: Client) -> None:
    found = errors(send(admin_client, keyless, name="ada"))
    assert "The limit key of" in found["__all__"]
    found = errors(send(admin_client, unlike, name="ada"))
    assert "The unique_key of" in found["__all__"]
    assert "ada" not in found["__all__"]


def test_a_paused_task_says_so(admin_client: Client) -> None:
    TaskDefinition.objects.update(paused=True)
    assert "The task is paused: the job waits until it is resumed." in admin_client.get(address(nothing)).text


def test_the_button_is_there_for_who_may_and_for_tasks_of_this_process(staff: Callable[..., Client]) -> None:
    client = staff("view_taskdefinition", "run_taskdefinition")
    definition = TaskDefinition.objects.get(path=nothing.module_path)
    assert address(nothing) in client.get(page_of(definition)).text
    gone = TaskDefinition.objects.create(path="os.system", priority=0, max_attempts=1, synced_at=ago(1))
    assert "/run/" not in client.get(page_of(gone)).text
    for way in (client.get, client.post):
        assert way(reverse("admin:jobqueue_taskdefinition_run", args=[quote("os.system")])).status_code == 404
    assert not Job.objects.exists()


def test_without_the_permission_there_is_no_button_and_no_run(staff: Callable[..., Client]) -> None:
    client = staff("view_taskdefinition", "pause_taskdefinition")
    assert "/run/" not in client.get(page_of(TaskDefinition.objects.get(path=nothing.module_path))).text
    assert client.get(address(nothing)).status_code == 403
    assert send(client, nothing).status_code == 403
    assert not Job.objects.exists()
