"""The admin's pages of a job that a real worker runs: owner, lease and renewals keep up with it, without a reload."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from django.urls import reverse

from jobqueue.models import Worker
from tests.admin.conftest import JOBS, page_of
from tests.app import slow_tasks
from tests.browser.page import Page
from tests.process.slow_jobs import SlowJob
from tests.processes import WorkerProcess
from tests.waiting import wait_until


@pytest.fixture
def job(start_worker: Callable[..., WorkerProcess], tmp_path: Path) -> Generator[SlowJob]:
    """Give a job that runs until it is let go, and its worker with it."""
    start_worker("--name", "web-7", "--concurrency", "1", "--grace", "1", "--no-reload")
    job = SlowJob(slow_tasks.hold, tmp_path / "job", backend="default")
    job.wait_started()
    yield job
    job.let_go()


def renewals(text: str) -> int:
    """Return the number of renewals that a text tells."""
    return int(re.search(r"(\d+) renewal", text)[1])


def test_the_list_keeps_up(job: SlowJob, page: Page, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, f"{reverse(JOBS)}?refresh=2")
    page.watch("never")
    owner = page.wait_text(".field-owner", Worker.objects.get().pk, f"pid {job.starts[0].pid}")
    assert owner.startswith("web-7-")

    before = page.wait_text(".field-lease", " left", "renewal")
    wait_until(lambda: renewals(page.text(".field-lease")) >= renewals(before) + 2, 20)
    assert "Running" in page.text(".field-state")
    job.let_go()
    page.wait_text(".field-state", "Successful")

    assert page.text(".field-lease") == "–"
    assert page.seen() is not None, "The page was loaded anew."


def test_the_page_of_the_job_keeps_up_and_its_buttons_stop_and_restart_it(
    job: SlowJob, page: Page, sign_in: Callable[[Page, str], None]
) -> None:
    sign_in(page, f"{page_of(job.row)}?refresh=2")
    page.watch("never")
    before = page.wait_text(".jq-holding", "web-7-", f"pid {job.starts[0].pid}", " left", "renewal")
    wait_until(lambda: renewals(page.text(".jq-holding")) >= renewals(before) + 1, 20)
    assert page.seen() is not None, "The page was loaded anew."

    page.press("button.jq-press")
    page.wait_text("#content", "A running job is stopped")
    page.press("input[type=submit][value='Cancel 1 job']")
    page.wait_text(".messagelist", "1 job was cancelled")
    page.wait_text(".jq-now", "Failed", "cancelled")

    page.press("button.jq-press")
    page.wait_text("#content", "attempted again")
    page.press("input[type=submit][value='Retry 1 job']")
    page.wait_text(".messagelist", "1 job was retried")
    # From here on the page shows by itself what becomes of the job.
    page.wait_text(".jq-now", "Running")
    job.wait_started(2)
    job.let_go()
    page.wait_text(".jq-now", "Successful")

    attempts = page.ask("[...document.querySelectorAll('.jq-attempt h3')].map(each => each.innerText)")
    assert [" ".join(heading.split()) for heading in attempts] == ["Attempt 2 ok", "Attempt 1 cancelled"]
    job.check_done(runs=2)
