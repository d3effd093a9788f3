"""Whoever has no mouse finds, chooses and retries jobs all the same, and sees at any moment where they are."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import reverse
from selenium.webdriver.common.keys import Keys

from jobqueue.models import Job
from tests.admin.conftest import JOBS, make_job, page_of
from tests.browser.axe import violations
from tests.browser.page import Page
from tests.waiting import wait_until

SignIn = Callable[[Page, str], None]


def test_jobs_are_filtered_chosen_and_retried(page: Page, sign_in: SignIn) -> None:
    job = make_job("FAILED")
    make_job()
    sign_in(page, reverse(JOBS))
    page.tab_to("#changelist-filter a[href='?status=FAILED']")
    page.press_key(Keys.ENTER)
    wait_until(lambda: "status=FAILED" in page.ask("location.search"))
    page.tab_to(".jq-skip")
    page.press_key(Keys.ENTER)
    page.tab_to(f"input.action-select[value='{job.pk}']")
    page.press_key(Keys.SPACE)
    assert page.ask("document.activeElement.checked")
    page.tab_to("select[name=action]", back=True)
    page.press_key("Retry")
    assert page.ask("document.activeElement.value") == "retry_selected"
    page.tab_to("button[name=index]")
    page.press_key(Keys.ENTER)
    page.wait_text("#content", str(job.pk))
    assert violations(page) == []

    page.tab_to("input[type=submit][value='Retry 1 job']")
    page.press_key(Keys.ENTER)

    page.wait_text(".messagelist", "1 job was retried")
    assert Job.objects.filter(status="READY").count() == 2


def test_a_job_is_retried_on_its_page(page: Page, sign_in: SignIn) -> None:
    job = make_job("FAILED")
    sign_in(page, page_of(job))
    page.tab_to("button.jq-press")
    assert page.ask("document.activeElement.innerText").strip().lower() == "retry"
    page.press_key(Keys.ENTER)
    page.wait_text("#content", "attempted again")
    page.tab_to("input[type=submit][value='Retry 1 job']")
    page.press_key(Keys.ENTER)
    page.wait_text(".messagelist", "1 job was retried")
    page.wait_text(".jq-now", "Ready")


def test_how_often_a_page_is_refreshed_is_chosen(page: Page, sign_in: SignIn) -> None:
    make_job()
    sign_in(page, reverse(JOBS))
    page.tab_to(".jq-refresh a[href*='refresh=15']")
    page.press_key(Keys.ENTER)
    wait_until(lambda: page.ask("document.querySelector('.jq-refresh a[aria-current]')?.innerText") == "15 s")
