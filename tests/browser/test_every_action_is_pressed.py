"""Everything that can be pressed is pressed in a browser, in light and in dark, and does what it says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from jobqueue.models import Job, PausedQueue, SavedView, Schedule, TaskDefinition
from tests.admin.conftest import JOBS, ago, page_of
from tests.browser import looks
from tests.browser.page import Page
from tests.shop import tasks
from tests.shop.rows import job
from tests.waiting import wait_until

pytestmark = looks
SignIn = Callable[[Page, str], None]
WIDE = 1280
# The button with that text, wherever a page has it; a refresh may bring another in its place.
MARK = """(() => {
    const it = [...document.querySelectorAll('button.jq-press, #content a')].find(
        each => each.textContent.trim() === arguments[0]);
    it?.setAttribute('data-pressed', '');
    return Boolean(it);
})()"""


class Operator:
    """Presses what a page has, and waits for what is said to it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def go(self, path: str) -> None:
        self.page.open(path)

    def press(self, text: str) -> None:
        """Press the button with that text."""
        wait_until(lambda: self.page.ask(MARK, text))
        self.page.press("[data-pressed]")

    def act(self, text: str, *, heard: str, log: str, typed: str = "") -> None:
        """Press a button, say when if that is asked for, say yes, and hear that it is done, which is in the log."""
        with noted(log):
            self.press(text)
            if typed:
                self.page.wait_text("#jq-at-help", "A delay")
                self.page.type("#jq-at", typed)
            self.confirm()
            self.hears(heard)

    def confirm(self) -> None:
        """Say yes where it is asked for."""
        self.page.press(".jq-ask input[type=submit]")

    def hears(self, *parts: str) -> None:
        """Wait until the page says so."""
        self.page.wait_text(".messagelist", *parts)


@pytest.fixture(params=["light", "dark"])
def operator(request: pytest.FixtureRequest, page: Page, shop: dict[str, str], sign_in: SignIn) -> Operator:
    page.show(width=WIDE, scheme=request.param)
    sign_in(page, reverse("admin:index"))
    return Operator(page)


@contextmanager
def noted(text: str) -> Any:
    """Check that what is done is in the admin's log."""
    before = LogEntry.objects.count()
    yield
    wait_until(lambda: LogEntry.objects.count() > before)
    new = LogEntry.objects.order_by("-pk")[: LogEntry.objects.count() - before]
    assert any(text in entry.get_change_message() for entry in new)


def test_the_buttons_of_a_job(operator: Operator, shop: dict[str, str]) -> None:
    failed, other = Job.objects.failed().filter(outcome="raised")[:2]
    later = job(tasks.charge, 4800, since=9, due_at=ago(-900))
    ended = Job.objects.filter(status="SUCCESSFUL")[0]

    def status(row: Job) -> str:
        row.refresh_from_db()
        return row.status

    operator.go(page_of(failed))
    operator.act("Retry", heard="1 job was retried", log="Retried")
    assert status(failed) == "READY"

    operator.go(page_of(other))
    operator.act("Retry later", heard="1 job", log="Retried", typed="2h")
    assert status(other) == "READY"
    assert other.due_at > ago(-3600)

    operator.go(page_of(later))
    operator.act("Run now", heard="1 job", log="Run now")
    assert status(later) == "READY"
    assert later.due_at <= ago(0)

    operator.act("Cancel", heard="1 job was cancelled", log="Cancelled")
    assert (status(later), later.outcome) == ("FAILED", "cancelled")

    operator.go(page_of(ended))
    before = Job.objects.count()
    operator.act("Copy", heard="1 job", log="Copied")
    assert Job.objects.count() == before + 1

    operator.go(page_of(later))
    operator.act("Delete", heard="1 job was deleted", log="Deleted")
    assert not Job.objects.filter(pk=later.pk).exists()

    operator.go(shop["doubt"])
    with noted("Decided that charge the card was done"):
        operator.press("Decide")
        operator.page.press("button[value=done]")
        operator.hears("Decided that charge the card was done")


def test_what_is_done_to_those_that_are_ticked_and_to_all_that_match(operator: Operator, shop: dict[str, str]) -> None:
    for number in range(3):
        job(tasks.charge, 5000 + number, since=5)
    operator.go(f"{reverse(JOBS)}?task={tasks.charge.module_path}&status=READY")
    for box in Job.objects.ready().filter(task_path=tasks.charge.module_path, gate="")[:2]:
        operator.page.press(f"input.action-select[value='{box.pk}']")
    operator.page.press("select[name=action] option[value=cancel_selected]")
    operator.page.press("button[name=index]")
    operator.confirm()
    operator.hears("2 jobs were cancelled")

    before = Job.objects.failed().count()
    operator.go(shop["failures"])
    operator.press("Retry")
    operator.confirm()
    operator.hears("retried")
    assert Job.objects.failed().count() < before


def test_filters_are_kept_and_forgotten(operator: Operator) -> None:
    operator.go(f"{reverse(JOBS)}?status=FAILED")
    operator.page.type(".jq-saved input[name=name]", "what failed")
    operator.page.press(".jq-saved input[name=name] + button")
    wait_until(SavedView.objects.filter(name="what failed").exists)
    operator.go(reverse(JOBS))
    operator.page.press(".jq-saved li a")
    operator.page.wait_text(".jq-saved [aria-current=page]", "what failed")
    operator.page.press(".jq-saved button[title=Forget]")
    wait_until(lambda: not SavedView.objects.exists())


def test_queues_are_paused_and_resumed(operator: Operator, shop: dict[str, str]) -> None:
    def paused() -> set[str]:
        return set(PausedQueue.objects.filter(backend="default").values_list("name", flat=True))

    for place in ("overview", "list of pausedqueue"):
        operator.go(shop[place])
        operator.page.press("button[aria-label='Pause default (default)']")
        operator.hears("“default” is paused")
        assert paused() == {"default", "mail"}
        operator.page.press("button[aria-label='Resume default (default)']")
        operator.hears("“default” is resumed")
        assert paused() == {"mail"}
    operator.go(shop["queue"])
    operator.press("Resume")
    operator.hears("“mail” is resumed")
    operator.go(shop["new pausedqueue"])
    operator.page.type("#id_name", "mail")
    operator.page.press("#pausedqueue_form input[type=submit]")
    operator.hears("“mail” is paused")
    operator.page.press("input.action-select")
    operator.page.press("select[name=action] option[value=resume_selected]")
    operator.page.press("button[name=index]")
    operator.hears("“mail” is resumed")
    assert paused() == set()


def test_tasks_are_paused_resumed_and_run(operator: Operator, shop: dict[str, str]) -> None:
    row = TaskDefinition.objects.get(path=tasks.send_receipt.module_path)
    for text, after in (("Resume", False), ("Pause", True)):
        operator.go(shop["task"])
        operator.press(text)
        wait_until(lambda after=after: TaskDefinition.objects.get(pk=row.pk).paused is after)
    operator.go(shop["task"])
    operator.press("Run…")
    operator.page.wait_text("#content", "Arguments")
    operator.page.type(".jq-given input, .jq-given textarea", "4711")
    operator.page.press(".jq-tick-box input")
    operator.confirm()
    operator.hears("enqueued")
    assert Job.objects.latest("enqueued_at").arguments == {"args": [4711], "kwargs": {}}


def test_schedules_are_made_run_paused_resumed_and_deleted(operator: Operator, shop: dict[str, str]) -> None:
    operator.go(shop["new schedule"])
    operator.page.type("#id_name", "hourly")
    operator.page.press(f"#id_task_path option[value='{tasks.clean_up.module_path}']")
    operator.page.type("#id_every", "3600")
    operator.page.press("#schedule_form input[name=_continue]")
    operator.hears("hourly")
    made = Schedule.objects.get(name="hourly")
    for text, paused in (("Pause", True), ("Resume", False)):
        operator.press(text)
        wait_until(lambda paused=paused: Schedule.objects.get(pk=made.pk).paused is paused)
    before = Job.objects.count()
    operator.press("Run now")
    wait_until(lambda: Job.objects.count() == before + 1)
    operator.go(page_of(made))
    operator.page.press(".deletelink")
    operator.page.press("#content input[type=submit]")
    wait_until(lambda: not Schedule.objects.filter(pk=made.pk).exists())
