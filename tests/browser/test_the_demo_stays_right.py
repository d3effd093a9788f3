"""The demo as a visitor has it: buttons make jobs, a button kills a real worker, and the counter stays right."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from django.urls import reverse

from tests.browser.page import Page
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
        worker = start_worker("--name", name, "--concurrency", "2", "--grace", "0.5", "--no-reload")
        worker.wait_started()
        return worker

    return start


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
