"""How often a page is refreshed is chosen by a link and kept in the address; it stands still while somebody chooses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse

from jobqueue.models import Job
from tests.admin.conftest import JOBS, make_job, make_worker
from tests.browser.page import Page
from tests.waiting import wait_until

OVERVIEW = reverse("admin:app_list", args=["jobqueue"])
STATE = "document.querySelector('.jq-refresh').dataset.jqState"
CHOSEN = "document.querySelector('.jq-refresh a[aria-current]').innerText"


def choose(page: Page, text: str) -> None:
    page.press(f".jq-refresh a[href*='refresh={text}']")
    wait_until(lambda: f"refresh={text}" in page.ask("location.search"))


@pytest.mark.parametrize("path", [OVERVIEW, f"{reverse(JOBS)}?status=READY", reverse("admin:jobqueue_job_failures")])
def test_the_choice_is_kept_in_the_address(page: Page, sign_in: Callable[[Page, str], None], path: str) -> None:
    make_worker()
    make_job()
    sign_in(page, path)
    assert page.ask(CHOSEN) == "5 s"
    for text in ("2", "15"):
        choose(page, text)
        assert page.ask(CHOSEN) == f"{text} s"
    assert "status=READY" in page.ask("location.search") or "?" not in path
    choose(page, "off")
    assert page.ask(STATE) == "off"


def test_a_list_stands_still_while_a_row_is_ticked(page: Page, sign_in: Callable[[Page, str], None]) -> None:
    job = make_job("FAILED")
    sign_in(page, f"{reverse(JOBS)}?refresh=2")
    page.wait_text(".jq-updated", "Updated")
    page.press(f"input.action-select[value='{job.pk}']")
    wait_until(lambda: page.ask(STATE) == "waits")
    assert "stands still while you choose" in page.text(".jq-refresh")
    Job.objects.update(outcome="timed_out")
    page.press(f"input.action-select[value='{job.pk}']")
    page.ask("document.activeElement.blur()")
    page.wait_text(".field-state", "timed out")


def test_so_does_a_page_while_the_focus_is_in_a_table(page: Page, sign_in: Callable[[Page, str], None]) -> None:
    make_worker()
    sign_in(page, f"{OVERVIEW}?refresh=2")
    page.wait_text(".jq-updated", "Updated")
    page.ask("document.querySelector('.jq-all tbody a').focus()")
    wait_until(lambda: page.ask(STATE) == "waits")
    make_job(since=900)
    page.ask("document.activeElement.blur()")
    page.wait_text(".jq-alert", "is behind")
    assert "Updated" in page.ask("document.querySelector('.jq-refresh [role=status]').textContent")
