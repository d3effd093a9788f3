"""No page keeps anybody out, by the rules of axe-core, in light and in dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse

from tests.browser import looks
from tests.browser.axe import OF_COLOUR, violations
from tests.browser.page import Page

pytestmark = looks

# Each a test of its own, so that none takes long and several processes share them.
PARTS = 6


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page(page: Page, shop: dict[str, str], sign_in: Callable[[Page, str], None], part: int) -> None:
    sign_in(page, reverse("admin:index"))
    pages = {"index": reverse("admin:index"), **shop}
    wrong = {}
    for name, path in list(pages.items())[part::PARTS]:
        page.show(width=1280)
        page.open(path)
        found = violations(page)
        page.show(width=1280, scheme="dark")
        found += violations(page, OF_COLOUR)
        if found:
            wrong[name] = found
    assert not wrong


@pytest.mark.parametrize(
    ("harm", "rule"),
    [
        ("document.querySelector('.jq-fine, .jq-alert').style.color = '#888'", "color-contrast"),
        ("document.querySelector('.jq-all th').outerHTML = '<th></th>'", "empty-table-header"),
        ("document.querySelector('#content').append(document.createElement('textarea'))", "label"),
    ],
)
def test_what_keeps_somebody_out_is_noticed(
    page: Page, sign_in: Callable[[Page, str], None], harm: str, rule: str
) -> None:
    sign_in(page, reverse("admin:app_list", args=["jobqueue"]))
    page.ask(harm)
    assert {it.rule for it in violations(page)} == {rule}
