"""The demo as a visitor has it: buttons make jobs, a button kills a real worker, and the counter stays right."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from django.urls import reverse

from jobqueue.models import LedgerEntry
from project.counters import late
from tests.browser.page import Page
from tests.browser.test_pages_can_be_read import CONTRAST, CUT_OFF, NAMELESS, NARROW, UNREADABLE, WIDE
from tests.processes import WorkerProcess
from tests.waiting import wait_until

# Keeps back the answer to a pressed button until the page has refreshed itself.
SLOW_ANSWERS = """(() => {
    const real = window.fetch;
    let refreshed = () => {};
    window.fetch = async (...request) => {
        const answer = await real(...request);
        if (request[1]?.method === 'POST') await new Promise((resolve) => { refreshed = resolve });
        else refreshed();
        return answer;
    };
})()"""
FIGURES = "['found', 'expected'].map(id => Number(document.getElementById(id).innerText))"


@pytest.fixture
def start(start_worker: Callable[..., WorkerProcess]) -> Callable[[str], WorkerProcess]:
    """Give `start(name)`: a worker as the demo starts its own."""

    def start(name: str) -> WorkerProcess:
        flags = ("--name", name, "--concurrency", "2", "--grace", "0.5", "--no-reload")
        worker = start_worker(*flags, env={late.VARIABLE: "1"})
        worker.wait_started()
        return worker

    return start


@pytest.fixture
def few_long_steps(monkeypatch: pytest.MonkeyPatch) -> int:
    """Have the long job begin few steps, each so long that a press comes in the middle of one; return how many."""
    for name in ("views", "figures"):
        monkeypatch.setattr(f"project.counters.{name}.STEPS", 3)
    monkeypatch.setattr("project.counters.views.STEP_SECONDS", 4.0)
    monkeypatch.setattr("project.counters.faults.FREEZE_SECONDS", 10)
    return 3


@pytest.fixture
def demo(page: Page, settings) -> Page:
    """Give the page as it is on a developer's own machine; it counts how often it says that the counter is wrong."""
    settings.DEBUG = True
    page.open(reverse("counters:index"))
    page.watch(".figures.wrong")
    return page


def test_a_pressed_button_makes_a_job_that_succeeds(demo: Page, start: Callable[[str], WorkerProcess]) -> None:
    demo.press("#press-quick")
    demo.wait_text("main > .messages", "Enqueued a job that adds 1")
    demo.wait_text(".job", "add_one", "ready")
    start("one")
    demo.wait_text(".job", "add_one", "successful", "attempt 1 ok on one")
    demo.press("#press-order")
    demo.wait_text(".job", "count_order", "successful")
    demo.press("#press-undone-order")
    demo.wait_text("main > .messages", "rolled back")

    wait_until(lambda: demo.ask(FIGURES) == [2, 2])
    assert demo.ask("document.querySelectorAll('.job').length") == 2
    assert demo.seen() == 0


def test_the_worker_is_killed_and_the_counter_stays_right(demo: Page, start: Callable[[str], WorkerProcess]) -> None:
    first = start("first")
    demo.press("#press-slow")
    demo.wait_text(".job.running", "first", "process", "s left", "of 20 added")
    start("second")

    demo.press(".job.running button[formaction$=kill-worker]")

    assert first.wait() == -signal.SIGKILL
    demo.wait_text("main > .messages", f"Killed first (process {first.pid})")
    found, _ = demo.ask(FIGURES)
    demo.wait_text(".job.running", "attempt 1", "on first", "attempt 2 running", "second")
    wait_until(lambda: demo.ask(FIGURES)[0] > found + 1, 20)
    found, expected = demo.ask(FIGURES)
    assert found == expected
    assert "Right" in demo.text(".verdict")
    assert demo.seen() == 0


def test_what_was_said_is_shown_though_a_refresh_came_first(demo: Page) -> None:
    demo.ask(SLOW_ANSWERS)
    demo.press("#press-quick")

    demo.wait_text("main > .messages", "Enqueued a job that adds 1")
    demo.wait_text(".job", "add_one")


def test_the_story_is_walked_with_two_presses(
    demo: Page, start: Callable[[str], WorkerProcess], few_long_steps: int
) -> None:
    workers = {name: start(name) for name in ("left", "right")}
    demo.wait_text("#story-now", "Start the long job")
    demo.press_enter_on("#press-slow")
    demo.wait_text("#story-now", "Freeze its worker", "s left")
    # Who has pressed with the keyboard goes on from where the story does.
    assert demo.ask("document.activeElement.id") == "story-now"
    assert demo.press_tab() == "Freeze its worker"
    took = demo.wait_text(".story .done:nth-child(1)", "took it")
    one, other = workers if "left took it" in took else reversed(workers)

    # Behind a step, so that the freeze comes in the middle of the next one.
    wait_until(lambda: LedgerEntry.objects.filter(key="add 1").exists(), 20)
    demo.press_enter_on("#press-freeze")
    demo.wait_text("main > .messages", f"Froze {one} for")
    demo.wait_text(".story .done:nth-child(2)", "Freeze its worker")
    demo.wait_text(".story .done:nth-child(3)", "Its lease runs out")
    demo.wait_text(".story .done:nth-child(4)", f"{other} began attempt 2")
    assert not demo.has("#press-freeze")
    demo.wait_text(".story .done:nth-child(5)", f"{one} went on and added 1. The database took that back")
    demo.wait_text(".line", f"Attempt 1 on {one}: lost", "1 late write refused", f"Attempt 2 on {other}: ")
    assert demo.has(".line .jq-refused")

    demo.wait_text("#said", f"The counter is right: It shows {few_long_steps}", seconds=40)
    demo.wait_text("#press-slow", "Start it again")
    assert demo.ask("[...document.querySelectorAll('.story li')].map(each => each.className)") == ["done"] * 6
    assert demo.ask(FIGURES) == [few_long_steps] * 2
    assert demo.seen() == 0
    assert [worker.poll() for worker in workers.values()] == [None, None]
    _check_that_it_can_be_read(demo)


def test_the_first_page_can_be_read(demo: Page) -> None:
    _check_that_it_can_be_read(demo)


def _check_that_it_can_be_read(demo: Page) -> None:
    demo.show(width=NARROW)
    assert not demo.ask(CUT_OFF.replace("#content", "body"))
    demo.show(width=WIDE)
    assert not demo.ask(CUT_OFF.replace("#content", "body"))
    assert not demo.ask(NAMELESS.replace("#content", "body"))
    for scheme in ("light", "dark"):
        demo.show(width=WIDE, scheme=scheme)
        assert not demo.ask(UNREADABLE.replace("#content [class*=jq-]", "body"), CONTRAST)


def test_what_does_not_change_is_not_replaced(demo: Page) -> None:
    demo.press("#press-quick")
    demo.wait_text(".job", "add_one", "ready")
    demo.ask("document.querySelectorAll('.buttons, .story ol').forEach(each => { each.isOld = true })")
    demo.press("#press-quick")
    wait_until(lambda: demo.ask("document.querySelectorAll('.job').length") == 2)

    assert demo.ask("[...document.querySelectorAll('.buttons, .story ol')].map(each => each.isOld)") == [True, True]
