"""What the other tests rely on: a dialog, an error and a breach of the content security policy do not go unseen."""

from __future__ import annotations

import pytest
from django.urls import reverse
from selenium.common.exceptions import UnexpectedAlertPresentException

from tests.browser.page import Page


@pytest.fixture(autouse=True)
def _on_the_demo(page: Page) -> None:
    page.open(reverse("counters:index"))
    assert page.complaints() == []


def test_a_script_in_the_page_is_a_breach_of_the_policy(page: Page) -> None:
    page.ask("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")

    assert "Content Security Policy" in "".join(page.complaints())
    assert page.ask("window.ran") is None


def test_a_dialog_fails_what_comes_next(page: Page) -> None:
    page.ask("setTimeout(() => alert('hello'))")

    with pytest.raises(UnexpectedAlertPresentException):
        page.wait_text("body", "never")


def test_what_is_not_there_and_what_a_script_throws_are_complaints(page: Page) -> None:
    page.ask("setTimeout(() => { throw new Error('thrown') })")
    page.ask("Object.assign(new Image(), {src: '/nothing'}).decode().catch(() => 0)")

    complaints = "".join(page.complaints())
    assert "thrown" in complaints
    assert "/nothing" in complaints
