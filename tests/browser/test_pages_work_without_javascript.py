"""Scripts only keep the pages fresh: without them everything can be seen and pressed."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import reverse

from jobqueue.models import Job
from tests.admin.conftest import JOBS, make_job
from tests.browser.page import Page


def test_jobs_are_chosen_and_retried(page_without_script: Page, sign_in: Callable[[Page, str], None]) -> None:
    page = page_without_script
    jobs = [make_job("FAILED"), make_job("FAILED"), make_job("FAILED")]
    sign_in(page, f"{reverse(JOBS)}?status=FAILED")
    assert not page.has(".jq-refresh")

    for job in jobs[:2]:
        page.press(f"input.action-select[value='{job.pk}']")
    page.press("select[name=action] option[value=retry_selected]")
    page.press("button[name=index]")
    page.wait_text("#content", *(str(job.pk) for job in jobs[:2]))
    page.press("input[type=submit][value='Retry 2 jobs']")

    page.wait_text(".messagelist", "2 jobs were retried")
    assert Job.objects.filter(status="READY").count() == 2


def test_the_demo_tells_its_story_and_says_to_reload(page_without_script: Page) -> None:
    page = page_without_script
    page.open(reverse("counters:index"))
    assert "reload the page" in page.text("noscript")

    page.press("#press-quick")

    page.wait_text(".messages", "Enqueued a job that adds 1")
    assert "add_one" in page.text(".job")
    assert page.path == reverse("counters:index")
    page.press("#press-slow")
    page.wait_text("#story-now", "Start the long job", "It waits for a worker.")
