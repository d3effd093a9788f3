"""Pause and Resume are buttons: for a task on its page, for a queue on the list of them; who pressed is in the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from jobqueue.models import Job, PausedQueue, TaskDefinition
from tests import rows
from tests.admin.conftest import make_definition, make_job, page_of
from tests.app import tasks

pytestmark = pytest.mark.django_db
ADD = "admin:jobqueue_pausedqueue_add"
QUEUES = "admin:jobqueue_pausedqueue_changelist"
MAIL = {"name": "mail", "backend": "default"}
ECHO = tasks.echo.module_path


def press(client: Client, what: str, verb: str, **fields: str) -> Any:
    return client.post(reverse(f"admin:jobqueue_{what}_{verb}"), fields)


def log() -> list[tuple[str, str]]:
    return list(LogEntry.objects.order_by("id").values_list("object_id", "change_message"))


def labels(client: Client, row: Any) -> list[str]:
    return [press["label"] for press in client.get(page_of(row)).context["presses"]]


def test_a_task_is_paused_and_resumed_on_its_page(staff: Callable[..., Client]) -> None:
    client, definition = staff("view_taskdefinition", "pause_taskdefinition"), make_definition()
    rows.enqueue()
    assert labels(client, definition) == ["Pause"]
    assert press(client, "taskdefinition", "pause", path=ECHO).url == page_of(definition)
    assert rows.claim() == []
    assert labels(client, definition) == ["Resume"]
    assert "yes: workers leave its jobs READY" in client.get(page_of(definition)).content.decode()
    press(client, "taskdefinition", "resume", path=ECHO)
    assert len(rows.claim()) == 1
    assert log() == [(ECHO, "Paused."), (ECHO, "Resumed.")]
    history = client.get(reverse("admin:jobqueue_taskdefinition_history", args=[ECHO])).content.decode()
    assert "Paused." in history
    assert "someone" in history


def test_only_a_change_is_in_the_log(admin_client: Client) -> None:
    make_definition()
    for verb in ("resume", "pause", "pause"):
        response = press(admin_client, "taskdefinition", verb, path=ECHO)
    assert f"{ECHO} is paused" in " ".join(map(str, get_messages(response.wsgi_request)))
    assert log() == [(ECHO, "Paused.")]


def test_each_button_of_the_list_says_aloud_which_queue_it_is_for(admin_client: Client) -> None:
    PausedQueue.objects.create(**MAIL)
    html = admin_client.get(reverse(QUEUES)).content.decode()
    assert 'aria-label="Resume mail (default)"' in html
    assert 'aria-label="Pause default (default)"' in html


@pytest.mark.parametrize("odd", ["shop.tasks.a\u202eb", "a%41", "ä b"])
def test_an_odd_name_is_pressed_as_it_is(admin_client: Client, odd: str) -> None:
    definition = make_definition(odd)
    PausedQueue.objects.create(name=odd, backend="default")
    (button,) = admin_client.get(page_of(definition)).context["presses"]
    admin_client.post(button["url"], button["fields"])
    (button,) = admin_client.get(page_of(PausedQueue.objects.get())).context["presses"]
    admin_client.post(button["url"], button["fields"])
    assert TaskDefinition.objects.get().paused
    assert not PausedQueue.objects.exists()


def test_a_queue_is_paused_and_resumed_by_buttons(staff: Callable[..., Client]) -> None:
    client = staff("view_pausedqueue", "add_pausedqueue", "delete_pausedqueue")
    rows.enqueue(queue_name="mail")

    def button() -> list[str]:
        queues = client.get(reverse(QUEUES)).context["queues"]
        return [press["label"] for queue in queues if "mail" in queue["jobs"] for press in queue["presses"]]

    assert button() == ["Pause", "Pause"], "there are two backends that have such a queue"
    assert press(client, "pausedqueue", "pause", **MAIL).url == reverse(QUEUES)
    assert rows.claim(queue="mail") == []
    assert sorted(button()) == ["Pause", "Resume"]
    paused = PausedQueue.objects.get()
    assert labels(client, paused) == ["Resume"]
    press(client, "pausedqueue", "pause", **MAIL)
    press(client, "pausedqueue", "resume", **MAIL)
    press(client, "pausedqueue", "resume", **MAIL)
    assert len(rows.claim(queue="mail")) == 1
    assert log() == [(str(paused.pk), "Paused."), (str(paused.pk), "Resumed.")]


def test_a_queue_is_paused_by_its_name_and_resumed_from_the_list(staff: Callable[..., Client]) -> None:
    client = staff("view_pausedqueue", "add_pausedqueue", "delete_pausedqueue")
    form = client.get(reverse(ADD)).content.decode()
    assert "Pause a queue" in form
    assert 'value="Pause"' in form
    assert ">None<" not in form
    assert client.post(reverse(ADD), MAIL).url == reverse(QUEUES)
    paused = PausedQueue.objects.get()
    assert (paused.name, paused.backend) == ("mail", "default")
    assert "already exists" in client.post(reverse(ADD), MAIL).content.decode()
    client.post(reverse(QUEUES), {"action": "resume_selected", "index": "0", "_selected_action": str(paused.pk)})
    assert not PausedQueue.objects.exists()
    assert [message for _, message in log()] == ["Paused.", "Resumed."]


def test_nothing_is_called_delete(admin_client: Client) -> None:
    paused = PausedQueue.objects.create(**MAIL)
    for page in (reverse(QUEUES), page_of(paused)):
        assert "delete" not in admin_client.get(page).content.decode().lower().replace("deletelink", "")
    assert admin_client.post(reverse("admin:jobqueue_pausedqueue_delete", args=[paused.pk])).status_code == 403
    assert PausedQueue.objects.exists()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"name": "mial", "backend": "default"}, "There is no queue &#x27;mial&#x27;. Did you mean &#x27;mail&#x27;?"),
        ({"name": "mail", "backend": "nobody"}, "TASKS has no backend &#x27;nobody&#x27; of jobqueue."),
    ],
)
def test_a_queue_that_cannot_be_is_refused(admin_client: Client, given: dict[str, str], why: str) -> None:
    assert why in admin_client.post(reverse(ADD), given).content.decode()
    assert press(admin_client, "pausedqueue", "pause", **given).status_code == 400
    assert not PausedQueue.objects.exists()


def test_a_task_that_is_not_there_cannot_be_paused(admin_client: Client) -> None:
    assert press(admin_client, "taskdefinition", "pause", path="gone.tasks.old").status_code == 404
    assert press(admin_client, "taskdefinition", "pause", path="a\0").status_code == 404


@pytest.mark.parametrize(
    "permissions",
    [
        ("view_pausedqueue", "view_taskdefinition"),
        ("view_pausedqueue", "view_taskdefinition", "change_taskdefinition", "change_pausedqueue"),
        ("add_pausedqueue", "delete_pausedqueue", "pause_taskdefinition"),
    ],
)
def test_nobody_pauses_or_resumes_without_the_right_to(
    staff: Callable[..., Client], permissions: tuple[str, ...]
) -> None:
    """To look is not enough, and to press without looking is nothing."""
    client, _ = staff(*permissions), make_definition()
    PausedQueue.objects.create(name="default", backend="default")
    for verb in ("pause", "resume"):
        assert press(client, "taskdefinition", verb, path=ECHO).status_code == 403
    assert press(client, "pausedqueue", "pause", **MAIL).status_code == 403
    assert press(client, "pausedqueue", "resume", name="default", backend="default").status_code == 403
    assert client.get(reverse("admin:jobqueue_pausedqueue_pause")).status_code == 405
    assert (PausedQueue.objects.count(), TaskDefinition.objects.filter(paused=True).count()) == (1, 0)
    assert log() == []


def _why(client: Client, job: Any) -> str:
    return " ".join(reason.text for reason in client.get(page_of(job)).context["page"]["why"])


def test_a_job_says_that_its_task_or_its_queue_is_paused(admin_client: Client) -> None:
    job, definition = make_job("READY"), make_definition()
    assert "paused" not in _why(admin_client, job)
    definition.paused = True
    definition.save()
    PausedQueue.objects.create(name=job.queue, backend="default")
    alerts = _why(admin_client, job)
    assert "The task is paused" in alerts
    assert "The queue “default” is paused" in alerts


def show(job: Job, *flags: str) -> str:
    out = StringIO()
    call_command("jobs", "show", str(job.pk), *flags, stdout=out)
    return out.getvalue()


def test_so_does_the_command(db: None) -> None:
    job, _ = make_job("READY"), make_definition()
    assert "paused" not in show(job)
    TaskDefinition.objects.update(paused=True)
    PausedQueue.objects.create(name=job.queue, backend="default")
    assert "its task and its queue: it waits until resumed" in show(job)
    assert json.loads(show(job, "--json"))["paused"] == {"task": True, "queue": True}
    Job.objects.update(status="SUCCESSFUL")
    assert "paused" not in show(job)
