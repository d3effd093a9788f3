"""A browser for each process of the run, and for each test a page in it that must not complain."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.urls import reverse
from selenium.webdriver import Chrome

from jobqueue import task
from jobqueue.admin.tasks import task_paths
from jobqueue.planning import declare
from tests.admin.conftest import page_of
from tests.browser import chromium
from tests.browser.page import Page
from tests.shop.rows import IN_CODE, fill
from tests.shop.tasks import TASKS
from tests.waiting import wait_until


@pytest.fixture(scope="session")
def browser() -> Generator[Chrome]:
    """Start a browser, which takes seconds: once."""
    driver = chromium.start()
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: Chrome, live_server: Any) -> Generator[Page]:
    """Give a page that nobody is signed in on; check in the end that it did nothing that it must not."""
    page = Page(browser, live_server.url)
    yield page
    complaints = page.complaints()
    page.show_as_ever()
    browser.delete_all_cookies()
    # Without this it would go on asking the site while the tables are emptied.
    browser.get("about:blank")
    page.complaints()
    assert not complaints


@pytest.fixture
def page_without_script(page: Page) -> Generator[Page]:
    """Give a page on which no JavaScript runs."""
    page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    yield page
    page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.fixture
def sign_in(admin_user: User) -> Callable[[Page, str], None]:
    """Give `sign_in(page, path)`: sign in as someone who may do everything, and go on to an address."""

    def sign_in(page: Page, path: str) -> None:
        page.open(f"{reverse('admin:login')}?next={path}")
        page.type("#id_username", admin_user.username)
        page.type("#id_password", "password")
        page.press("#login-form input[type=submit]")
        wait_until(lambda: page.has("#logout-form"))

    return sign_in


@pytest.fixture
def shop(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give the addresses of the pages of a shop, whose tasks are the only ones that there are."""
    task_paths()  # Looks for tasks, once: all others are to be found where they were again after the test.
    monkeypatch.setattr(task, "_registry", TASKS)
    monkeypatch.setattr(declare, "_declared", {IN_CODE: None})
    lists = ("job", "limit", "schedule", "taskdefinition", "pausedqueue", "worker", "ledgerentry")
    rows = fill()
    return {
        "overview": reverse("admin:app_list", args=["jobqueue"]),
        "failures": reverse("admin:jobqueue_job_failures"),
        "plots": reverse("admin:jobqueue_job_plots"),
        **{f"list of {name}": reverse(f"admin:jobqueue_{name}_changelist") for name in lists},
        **{f"new {name}": reverse(f"admin:jobqueue_{name}_add") for name in ("schedule", "pausedqueue")},
        **{name: page_of(row) for name, row in rows.items()},
        "run": reverse("admin:jobqueue_taskdefinition_run", args=[quote(rows["task"].pk)]),
        "decide": reverse("admin:jobqueue_job_decide", args=[rows["decide"].pk]),
    }
