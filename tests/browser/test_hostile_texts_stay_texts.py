"""What strangers put into arguments, results, tracebacks and names is read on every page, and does nothing there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse

from jobqueue.models import Attempt, Job, LedgerEntry, TaskDefinition, Worker
from tests.admin.conftest import ago, make_attempt, make_job, make_worker, page_of
from tests.browser.page import Page

MARKUP = "<script>alert(1)</script><img src=/gone onerror=alert(2)>\"'><svg onload=alert(3)>{{ 77*77 }}"
# Red in a terminal, the rest of the line reversed, and nothing to be seen of a space.
UNSEEN = "\x1b[31mred \u202egnp.exe zero\u200bwidth"
HOSTILE = f"{MARKUP} {UNSEEN}"
SPELLED = "\\u001b[31mred \\u202egnp.exe zero\\u200bwidth"
LISTS = [reverse(f"admin:jobqueue_{name}_changelist") for name in ("job", "worker", "ledgerentry", "taskdefinition")]


@pytest.fixture
def rows(transactional_db: None) -> list[Job | Worker | LedgerEntry | TaskDefinition]:
    """Give rows of all tables that are hostile wherever somebody else chooses the text."""
    payload = {"args": [HOSTILE], "kwargs": {HOSTILE: HOSTILE}}
    worker = make_worker(MARKUP[:60], queues=[HOSTILE], hostname=HOSTILE)
    done = make_job("SUCCESSFUL", arguments=payload, result=payload, idempotency_key=HOSTILE[:120])
    failed = make_job("FAILED", arguments=payload, queue=MARKUP[:60])
    progress = {"done": 1, "total": 2, "note": HOSTILE}
    make_attempt(failed, exception_class=HOSTILE, traceback=HOSTILE, progress=progress, outcome="raised")
    running = make_job("RUNNING", arguments=payload, worker_id=worker.pk)
    make_attempt(running, worker_id=worker.pk, progress=progress)
    step = LedgerEntry.objects.create(
        scope=f"step:{done.pk}", key=HOSTILE[:120], job_id=done.pk, value=payload, created_at=ago(1)
    )
    definition = TaskDefinition.objects.create(
        path=f"shop.tasks.{MARKUP[:60]}", description=HOSTILE, backend="default", queue=MARKUP[:60], priority=0,
        effects="atomic", max_attempts=3, synced_at=ago(1),
    )  # fmt: skip
    return [done, failed, running, worker, step, definition]


def check(page: Page) -> None:
    """Check that the page shows the text, and that nothing in it became an element or an order of characters."""
    shown = page.text()
    assert "<script>alert(1)</script><img src=/gone" in shown
    assert not {"\x1b", "\u202e", "\u200b"} & set(shown)
    assert page.ask("document.querySelectorAll('img[src*=gone], [onerror], [onload]').length") == 0
    assert "5929" not in shown
    # A dialog would have failed every one of these.
    assert page.complaints() == [], page.path


def test_in_the_admin(page: Page, rows: list, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, LISTS[0])
    for path in [*LISTS, *map(page_of, rows)]:
        page.open(path)
        check(page)
    page.open(page_of(rows[0]))
    assert SPELLED in page.text()


def test_in_the_page_that_asks_before_a_retry(page: Page, rows: list, sign_in: Callable[[Page, str], None]) -> None:
    Job.objects.filter(pk=rows[1].pk).update(task_path=f"shop.{MARKUP[:60]}")
    sign_in(page, page_of(rows[1]))
    page.press("button.jq-press")
    page.wait_text("#content", "attempted again")
    check(page)
    page.press("input[type=submit][value='Retry 1 job']")
    page.wait_text(".messagelist", "1 job was retried")
    check(page)
    page.press("a.historylink")
    page.wait_text("#change-history", "Retried.")


def test_after_a_live_update(page: Page, rows: list, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, page_of(rows[2]))
    page.watch("[onerror], [onload], img[src*=gone]")
    Attempt.objects.filter(job_id=rows[2].pk).update(progress={"done": 2, "total": 2, "note": f"new {HOSTILE}"})
    page.wait_text(".jq-progress", "new <script>")
    check(page)
    assert page.seen() == 0


def test_in_the_demo(page: Page, rows: list) -> None:
    Worker.objects.update(id=f"{MARKUP[:50]}-1", name=MARKUP[:60])
    Job.objects.update(task_path=f"shop.{MARKUP[:60]}")
    page.open(reverse("counters:index"))
    page.watch("[onerror], [onload], img[src*=gone]")
    assert "<script>alert(1)</script>" in page.text(".job")
    assert "<script>alert(1)</script>" in page.text(".workers")
    page.press("#press-quick")
    page.wait_text(".jobs", "add_one")
    assert page.seen() == 0
