"""German words are longer: nothing is cut off for that, on a wide screen and on a narrow one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from tests.browser import looks
from tests.browser.page import Page
from tests.browser.test_pages_can_be_read import CUT_OFF, NAMELESS, NARROW, SCROLLS, WIDE
from tests.messages.conftest import speak  # noqa: F401

pytestmark = looks

# Django's list of tables has a head that is only read aloud.
CUT_OFF_HERE = CUT_OFF.replace(".results'", ".results, .visually-hidden, table:has(> .visually-hidden)'")
# Texts of ours that end at the edge of their box, but for the beginning of a call, which is cut off in any language,
# and for what is seen only while it has the focus.
CLIPPED = """[...document.querySelectorAll('#content *')].filter(each => each.checkVisibility()
    && ['hidden', 'clip'].includes(getComputedStyle(each).overflowX) && each.scrollWidth > each.clientWidth + 1
    && !each.closest('.jq-call, .jq-skip, .visually-hidden, svg')).map(each => each.outerHTML.slice(0, 100))"""


def test_every_page(
    page: Page,
    shop: dict[str, str],
    sign_in: Callable[[Page, str], None],
    speak: Any,  # noqa: F811
) -> None:
    speak("de")
    sign_in(page, reverse("admin:index"))
    assert page.ask("document.documentElement.lang") == "de"
    wrong = {}
    for name, path in shop.items():
        page.open(path)
        page.show(width=NARROW)
        found = {"cut off": page.ask(CUT_OFF_HERE) + page.ask(CLIPPED)}
        page.show(width=WIDE)
        found |= {"cut off, wide": page.ask(CUT_OFF_HERE) + page.ask(SCROLLS) + page.ask(CLIPPED)}
        found |= {"nameless": page.ask(NAMELESS), "complaints": page.complaints()}
        wrong |= {f"{name}: {what}": those for what, those in found.items() if those}
    assert not wrong


def test_what_a_script_says_is_german_too(
    page: Page,
    shop: dict[str, str],
    sign_in: Callable[[Page, str], None],
    speak: Any,  # noqa: F811
) -> None:
    speak("de")
    sign_in(page, shop["overview"] + "?refresh=2")
    told = page.wait_text(".jq-updated", "Aktualisiert ")
    assert "{" not in told
    assert "M" not in told  # No AM, no PM.
