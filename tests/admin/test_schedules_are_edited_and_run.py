"""Schedules in the admin: added and edited with errors that say what to do, run now, paused, resumed; and by whom."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobqueue import schedule, schedules
from jobqueue.models import Job, Schedule
from jobqueue.planning import declare
from jobqueue.redaction import SUBSTITUTE
from tests import rows
from tests.admin.conftest import page_of
from tests.app import tasks

pytestmark = pytest.mark.django_db
LIST = "admin:jobqueue_schedule_changelist"
ADD = "admin:jobqueue_schedule_add"
ALL = ("view_schedule", "add_schedule", "change_schedule", "delete_schedule", "run_schedule")


@pytest.fixture(autouse=True)
def _nothing_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declare, "_declared", {})


def form(**changes: Any) -> dict[str, Any]:
    """Return what a browser sends of the form."""
    values = {
        "name": "report",
        "task_path": tasks.echo.module_path,
        "arguments": '{"args": ["a"], "kwargs": {}}',
        "cron": "30 3 * * *",
        "time_zone": "Europe/Berlin",
        "missed": "last",
        "most": "10",
        "grace": "60",
    }
    return {**values, **changes}


def text_of(answer: Any) -> str:
    return answer.content.decode()


def page(client: Client, row: Schedule) -> str:
    answer = client.get(page_of(row))
    assert answer.status_code == 200
    return text_of(answer)


def press(client: Client, row: Schedule, deed: str) -> Any:
    return client.post(reverse(f"admin:jobqueue_schedule_{deed}", args=[row.pk]))


class TestEditing:
    def test_one_is_added_and_shown_with_its_next_five_times(self, staff: Callable[..., Client]) -> None:
        someone = staff(*ALL)
        assert "Add schedule" in text_of(someone.get(reverse(ADD)))
        assert someone.post(reverse(ADD), form()).status_code == 302
        made = Schedule.objects.get()
        assert (made.cron, made.arguments, made.declared) == ("30 3 * * *", {"args": ["a"], "kwargs": {}}, False)
        assert made.next_at > timezone.now()
        for html in (text_of(someone.get(reverse(LIST))), page(someone, made)):
            assert html.count(" 03:30 CE") == 5

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"cron": "61 * * * *"}, "Bad minute. Five fields"),
            ({"cron": ""}, "Say cron"),
            ({"every": "60"}, "not both"),
            ({"time_zone": "Europe/Berln"}, "Did you mean &#x27;Europe/Berlin&#x27;"),
            ({"arguments": '{"args": [1, 2], "kwargs": {}}'}, "too many positional arguments"),
            ({"arguments": "{"}, "This is not read: it is no JSON"),
            ({"arguments": "[" * 100_000}, "This is not read: it is nested too deeply"),
            ({"arguments": "[1]"}, "The arguments must be"),
            ({"task_path": "os.system"}, "os.system is not one of the available choices"),
            ({"queue": "nowhere"}, "nowhere"),
            ({"name": "a\u202eb"}, "characters that can be seen"),
            ({"most": "0"}, "greater than or equal to 1"),
        ],
    )
    def test_what_would_not_work_is_answered_with_what_to_do(
        self, admin_client: Client, changes: dict[str, Any], why: str
    ) -> None:
        answer = admin_client.post(reverse(ADD), form(**changes))
        assert answer.status_code == 200
        assert why in text_of(answer)
        assert not Schedule.objects.exists()

    def test_an_edit_changes_the_next_times_and_not_what_ticks_write(self, admin_client: Client) -> None:
        made = rows.schedule(late=5)
        schedules.pause("nightly")
        sent = form(cron="0 4 * * *")
        assert admin_client.post(page_of(made), sent).status_code == 302
        after = Schedule.objects.get()
        assert (after.name, after.cron, after.paused, after.every) == ("nightly", "0 4 * * *", True, None)
        assert after.next_at > timezone.now()

    def test_what_is_sensitive_is_not_shown_and_stays_when_it_is_left(self, admin_client: Client) -> None:
        made = rows.schedule("report", tasks.echo, {"api_token": "hunter2-hunter2"})
        html = page(admin_client, made)
        assert "hunter2" not in html
        assert SUBSTITUTE in html
        stars = json.dumps({"args": [{"api_token": SUBSTITUTE}], "kwargs": {}})
        assert admin_client.post(page_of(made), form(arguments=stars, cron="0 5 * * *")).status_code == 302
        after = Schedule.objects.get()
        assert (after.cron, after.arguments["args"]) == ("0 5 * * *", [{"api_token": "hunter2-hunter2"}])
        other = json.dumps({"args": [{"api_token": SUBSTITUTE, "more": 1}], "kwargs": {}})
        assert "give the true values" in text_of(admin_client.post(page_of(made), form(arguments=other)))

    def test_what_code_declares_is_looked_at_only(self, admin_client: Client) -> None:
        schedule("report", tasks.echo, cron="0 3 * * *", args=["a"])
        schedules.publish_declared()
        made = Schedule.objects.get()
        html = page(admin_client, made)
        assert "It is declared in code" in html
        assert 'name="cron"' not in html
        assert admin_client.post(page_of(made), form(cron="0 4 * * *")).status_code == 403
        delete = reverse("admin:jobqueue_schedule_delete", args=[made.pk])
        assert admin_client.post(delete, {"post": "yes"}).status_code == 403
        assert Schedule.objects.get().cron == "0 3 * * *"

    def test_a_web_process_looks_for_what_code_declares(
        self, admin_client: Client, nothing_discovered: Callable[..., None]
    ) -> None:
        made = rows.schedule("report")
        Schedule.objects.update(declared=True)
        nothing_discovered(finds=lambda: schedule("report", tasks.echo, cron="0 3 * * *", args=["a"]))
        delete = reverse("admin:jobqueue_schedule_delete", args=[made.pk])
        assert admin_client.post(delete, {"post": "yes"}).status_code == 403
        assert "declared no longer" not in page(admin_client, made)

    def test_and_may_be_deleted_once_no_code_declares_it(self, admin_client: Client) -> None:
        made = rows.schedule("report")
        Schedule.objects.update(declared=True)
        html = page(admin_client, made)
        assert "declared no longer" in html
        assert "no code of this process declares it" in html
        assert "It is declared in code" not in html
        # None of its next times will come.
        assert "jq-coming jq-idle" in html
        delete = reverse("admin:jobqueue_schedule_delete", args=[made.pk])
        assert admin_client.post(delete, {"post": "yes"}).status_code == 302
        assert not Schedule.objects.exists()


class TestButtons:
    def test_run_now_makes_a_job_and_says_who_did_it(self, staff: Callable[..., Client]) -> None:
        someone, made = staff("view_schedule", "run_schedule"), rows.schedule()
        assert "Run now" in page(someone, made)
        answer = press(someone, made, "run")
        assert (answer.status_code, answer.url) == (302, page_of(made))
        job = Job.objects.get()
        entry = LogEntry.objects.get()
        assert (entry.user, entry.object_id) == (User.objects.get(), str(made.pk))
        assert str(job.pk) in entry.change_message
        html = page(someone, made)
        assert page_of(job) in html
        assert Schedule.objects.get().next_at == made.next_at

    def test_pause_and_resume(self, admin_client: Client) -> None:
        made = rows.schedule(late=5)
        assert press(admin_client, made, "pause").status_code == 302
        assert Schedule.objects.get().paused
        html = page(admin_client, made)
        assert "what is missed meanwhile is not made up for" in html
        assert "Resume" in html
        press(admin_client, made, "resume")
        after = Schedule.objects.get()
        assert (after.paused, after.next_at) == (False, made.next_at + timedelta(hours=1))
        press(admin_client, made, "resume")  # There is nothing to do, and nothing is logged.
        assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == [
            "Paused.",
            "Resumed: it ticks from now on.",
        ]

    def test_those_that_are_ticked_on_the_list(self, admin_client: Client) -> None:
        made = [rows.schedule(name) for name in ("a", "b", "broken")]
        Schedule.objects.filter(name="broken").update(task_path="gone.tasks.report")
        chosen = {"_selected_action": [one.pk for one in made], "index": "0"}
        answer = admin_client.post(reverse(LIST), {"action": "run_selected", **chosen}, follow=True)
        assert Job.objects.count() == 2
        (complaint,) = [str(it) for it in answer.context["messages"] if it.level_tag == "error"]
        assert complaint.startswith("broken: No task 'gone.tasks.report'")
        admin_client.post(reverse(LIST), {"action": "pause_selected", **chosen})
        assert Schedule.objects.filter(paused=True).count() == 3
        admin_client.post(reverse(LIST), {"action": "resume_selected", **chosen})
        assert Schedule.objects.filter(paused=False).count() == 3

    def test_nobody_presses_without_the_right_to(self, staff: Callable[..., Client]) -> None:
        someone, made = staff("view_schedule", "change_schedule", "add_schedule", "delete_schedule"), rows.schedule()
        assert "jq-press" not in page(someone, made)
        for deed in ("run", "pause", "resume"):
            assert press(someone, made, deed).status_code == 403
            assert someone.get(reverse(f"admin:jobqueue_schedule_{deed}", args=[made.pk])).status_code == 405
        assert not Job.objects.exists()
        assert not Schedule.objects.get().paused

    def test_a_button_of_one_that_is_gone_is_not_found(self, admin_client: Client) -> None:
        for pk in (4711, 10**30):
            assert admin_client.post(reverse("admin:jobqueue_schedule_run", args=[pk])).status_code == 404


def test_why_one_cannot_tick_is_shown(admin_client: Client) -> None:
    made = rows.schedule()
    schedules.find_fault(made.pk, "No task of that <path>.")
    assert "cannot tick" in text_of(admin_client.get(reverse(LIST)))
    assert "It cannot tick: No task of that &lt;path&gt;." in page(admin_client, made)


HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.mark.parametrize("who", ["edits", "looks"])
def test_rows_that_others_wrote_are_inert(staff: Callable[..., Client], who: str) -> None:
    client = staff(*(ALL if who == "edits" else ("view_schedule",)))
    made = rows.schedule()
    Schedule.objects.update(
        name=HOSTILE, task_path=HOSTILE, cron=HOSTILE, every=None, time_zone=HOSTILE, queue=HOSTILE, fault=HOSTILE,
        missed="<b>", arguments={"args": [HOSTILE], "kwargs": {HOSTILE: HOSTILE}},
    )  # fmt: skip
    addresses = [reverse(LIST), page_of(made)]
    answers = [client.get(address) for address in addresses]
    if who == "edits":
        answers.append(client.post(page_of(made), form(task_path="")))
        press(client, made, "run")
        answers.append(client.get(page_of(made)))
    for answer in answers:
        assert answer.status_code == 200
        assert "<script>alert" not in text_of(answer)
        assert "\u202e" not in text_of(answer)


@pytest.mark.parametrize(
    "arguments", ["[1]", "5", '"text"', '{"args": 5, "kwargs": []}', '{"args": ["a\\u0000"], "kwargs": {}}']
)
def test_arguments_that_nobody_can_read_are_no_error_of_the_server(admin_client: Client, arguments: str) -> None:
    made = rows.schedule()
    if connection.vendor == "postgresql" and "u0000" in arguments:
        pytest.skip("PostgreSQL does not store it")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobqueue_schedule SET arguments = %s", [arguments])
    page(admin_client, made)
    assert admin_client.get(reverse(LIST)).status_code == 200
    assert admin_client.post(page_of(made), form()).status_code == 302
