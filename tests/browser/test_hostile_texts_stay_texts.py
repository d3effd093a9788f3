"""What strangers put into arguments, results, tracebacks and names is read on every page, and does nothing there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from jobqueue.models import Attempt, Job, PausedQueue, Worker
from tests.admin.conftest import page_of
from tests.browser.page import Page
from tests.security.hostile import HOSTILE, MARKUP, RAW, fill

SPELLED = "\\u001b[31mred\\u000d\\u009b2J \\u202egnp.exe zero\\u200bwidth\\ufeff"
LISTS = [reverse(f"admin:jobqueue_{name}_changelist") for name in ("job", "worker", "ledgerentry", "taskdefinition")]


@pytest.fixture
def rows(transactional_db: None) -> list[Any]:
    """Give rows of all tables that are hostile in every column."""
    return fill()


def check(page: Page, shows: str = "<script>alert(1)</script><img src=/gone") -> None:
    """Check that the page shows the text, and that nothing in it became an element or an order of characters."""
    shown = page.text()
    assert shows in shown
    assert not RAW & set(shown)
    assert page.ask("document.querySelectorAll('q, img[src*=gone], [onerror], [onload]').length") == 0
    assert "5929" not in shown
    # A dialog would have failed every one of these.
    assert page.complaints() == [], page.path


def test_in_the_admin(page: Page, rows: list, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, LISTS[0])
    for path in LISTS:
        page.open(path)
        check(page)
    for row in rows:
        page.open(page_of(row))
        if isinstance(row, PausedQueue):  # Nothing on it is longer than a name.
            check(page, shows="<q>")
        else:
            check(page)
    page.open(page_of(rows[4]))
    assert SPELLED in page.text()
    for path in (reverse("admin:app_list", args=["jobqueue"]), reverse("admin:jobqueue_job_failures")):
        page.open(path)
        check(page)
    for path in (reverse("admin:index"), reverse("admin:jobqueue_job_plots")):
        page.open(path)
        assert page.complaints() == []


def test_in_the_page_that_asks_before_a_retry(page: Page, rows: list, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, page_of(rows[4]))
    page.press("button.jq-press")
    page.wait_text("#content", "attempted again")
    check(page)
    page.press("input[type=submit][value='Retry 1 job']")
    page.wait_text(".messagelist", "1 job was retried")
    check(page)
    page.press("a.historylink")
    page.wait_text("#change-history", "Retried.")
    check(page)
    page.open(page_of(rows[2]))
    page.press("button.jq-press")
    page.press("input[type=submit][value='Cancel 1 job']")
    page.wait_text(".messagelist", "1 job was cancelled")
    page.press("a.historylink")
    page.wait_text("#change-history", "Cancelled while")
    check(page)
    page.open(reverse("admin:index"))
    page.wait_text("#recent-actions-module", "<q>")
    check(page)


def test_after_a_live_update(page: Page, rows: list, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, page_of(rows[2]))
    page.watch("[onerror], [onload], img[src*=gone]")
    Attempt.objects.filter(job_id=rows[2].pk).update(progress={"done": 2, "total": 2, "note": f"new {HOSTILE}"})
    page.wait_text(".jq-progress", "new <q>")
    check(page)
    assert page.seen() == 0


def test_in_the_demo(page: Page, rows: list) -> None:
    # The demo looks at the backend of that name alone, and at what is behind the last dot of a path.
    Worker.objects.update(backend="default", name=HOSTILE[:100])
    Job.objects.update(backend="default", task_path=f"shop.{MARKUP.replace('.', '')}\u202e")
    page.open(reverse("counters:index"))
    page.watch("q, [onerror], [onload], img[src*=gone]")
    assert "<script>alert(1)</script>" in page.text(".job.running")
    assert "<script>alert(1)</script>" in page.text(".workers")
    check(page)
    page.press("#press-quick")
    page.wait_text(".jobs", "add_one")
    assert page.seen() == 0
