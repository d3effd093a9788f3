"""Under a language that is written from right to left pages are mirrored, nothing is cut off, and time goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from jobqueue.models import Worker
from tests.admin.conftest import ago
from tests.browser import looks
from tests.browser.page import Page
from tests.browser.test_pages_can_be_read import CUT_OFF, NAMELESS, NARROW, SCROLLS, WIDE

pytestmark = looks

# Where the text of a heading and of its cells begins, and how far a lease's bar is from either side of its box.
BEGINS = "getComputedStyle(document.querySelector('.jq-all tbody td')).direction"
LEASE = """(() => {
    const [box, bar] = ['svg', 'rect'].map(name => document.querySelector(`.jq-lease ${name}`).getBoundingClientRect());
    return [bar.left - box.left, box.right - bar.right];
})()"""
FIRST_AND_LAST = """['.jq-all thead th:first-child', '.jq-all thead th:last-child'].map(
    name => document.querySelector(name).getBoundingClientRect().left)"""
# The first and the last character of a text, by where they are on the screen.
OUTERMOST = """(() => {
    const [text] = document.querySelector(arguments[0]).childNodes;
    const range = document.createRange();
    const left = at => (range.setStart(text, at), range.setEnd(text, at + 1), range.getBoundingClientRect().left);
    const places = [...text.data].map((letter, at) => [left(at), letter]).filter(([, letter]) => letter.trim());
    places.sort(([a], [b]) => a - b);
    return [places[0][1], places.at(-1)[1]];
})()"""
BARS = "[...document.querySelectorAll('.jq-story rect.jq-span')].map(bar => bar.getBoundingClientRect().left)"


@pytest.fixture(autouse=True)
def _hebrew(settings: Any, shop: dict[str, str]) -> None:
    settings.LANGUAGE_CODE = "he"


@pytest.fixture
def opened(page: Page, shop: dict[str, str], sign_in: Callable[[Page, str], None]) -> Callable[[str], Page]:
    """Give `opened(name)`: a page of the shop, read from right to left."""
    sign_in(page, reverse("admin:index"))

    def opened(name: str) -> Page:
        page.show(width=WIDE)
        page.open(shop[name])
        assert page.ask("document.documentElement.dir") == "rtl"
        return page

    return opened


def test_nothing_is_cut_off(shop: dict[str, str], opened: Callable[[str], Page]) -> None:
    wrong = {}
    for name in shop:
        page = opened(name)
        found = {"wide": page.ask(CUT_OFF) + page.ask(SCROLLS), "nameless": page.ask(NAMELESS)}
        page.show(width=NARROW)
        found["narrow"] = page.ask(CUT_OFF)
        found["complaints"] = page.complaints()
        wrong |= {f"{name}: {what}": those for what, those in found.items() if those}
    assert not wrong


def test_tables_and_leases_are_mirrored(opened: Callable[[str], Page]) -> None:
    Worker.objects.update(heartbeat_at=ago(1200))
    page = opened("overview")
    first, last = page.ask(FIRST_AND_LAST)
    assert first > last
    assert page.ask(BEGINS) == "rtl"
    on_the_left, on_the_right = page.ask(LEASE)
    assert on_the_right < 1 < 20 < on_the_left


def test_time_goes_from_left_to_right_all_the_same(opened: Callable[[str], Page]) -> None:
    first, second = opened("frozen").ask(BARS)
    assert first < second


def test_so_do_numbers_and_spans_of_time(opened: Callable[[str], Page]) -> None:
    page = opened("overview")
    assert page.ask(OUTERMOST, "[data-jq-live=workers] tr:nth-child(2) td:nth-of-type(3)") == ["0", "4"]
    assert page.ask(OUTERMOST, "[data-jq-live^=queues] tr:nth-child(1) td:nth-of-type(9)")[0] == "p"
