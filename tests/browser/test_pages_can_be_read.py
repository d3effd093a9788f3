"""Every page fits its screen, is read in light and in dark, and names what can be pressed, under a strict CSP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse

from tests.browser import looks
from tests.browser.page import Page

pytestmark = looks

# By the guidelines for accessible contents (WCAG 2.2, AA), for text of the usual size.
CONTRAST = 4.5
WIDE, NARROW = 1280, 400

# Elements that reach out of the screen, but for what is in a box that scrolls.
CUT_OFF = """[...document.querySelectorAll('#content *')].filter(each => each.checkVisibility()
    && !each.closest('.jq-wide, .results, .visually-hidden')
    && (each.getBoundingClientRect().right > innerWidth + 1 || each.getBoundingClientRect().left < -1))
    .map(each => each.outerHTML.slice(0, 100))"""
SCROLLS = """[...document.querySelectorAll('.jq-wide, .results')].filter(each => each.scrollWidth > each.clientWidth)
    .map(each => `${each.className}: ${each.scrollWidth} > ${each.clientWidth}`)"""
NAMELESS = """[...document.querySelectorAll('#content :is(input, select, textarea, button, a)')].filter(each =>
    each.checkVisibility() && each.type !== 'hidden' && !(each.innerText.trim() || each.ariaLabel || each.title
    || each.labels?.length || each.type === 'submit' && each.value || each.getAttribute('aria-labelledby')))
    .map(each => each.outerHTML.slice(0, 100))"""
UNREADABLE = """(least => {
    const rgba = colour => colour.match(/[\\d.]+/g).map(Number);
    const linear = c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const light = rgb => [.2126, .7152, .0722].reduce((sum, part, i) => sum + part * linear(rgb[i] / 255), 0);
    const behind = each => {
        for (; each; each = each.parentElement) {
            const colour = rgba(getComputedStyle(each).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const ratio = each => {
        const [a, b] = [light(rgba(getComputedStyle(each).color)), light(behind(each))].sort((a, b) => b - a);
        return (a + .05) / (b + .05);
    };
    return [...document.querySelectorAll('#content [class*=jq-], #content [class*=jq-] *')].filter(each =>
        each.checkVisibility() && [...each.childNodes].some(it => it.nodeType === 3 && it.data.trim()))
        .filter(each => ratio(each) < least).map(each => `${ratio(each).toFixed(1)} ${each.outerHTML.slice(0, 100)}`);
})(arguments[0])"""


def test_every_page(page: Page, shop: dict[str, str], sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, reverse("admin:index"))
    wrong = {}
    for name, path in shop.items():
        page.open(path)
        page.show(width=NARROW)
        found = {"cut off": page.ask(CUT_OFF)}
        page.show(width=WIDE)
        found |= {"cut off, wide": page.ask(CUT_OFF) + page.ask(SCROLLS), "nameless": page.ask(NAMELESS)}
        for scheme in ("light", "dark"):
            page.show(width=WIDE, scheme=scheme)
            found[f"unreadable in {scheme}"] = page.ask(UNREADABLE, CONTRAST)
        found["complaints"] = page.complaints()
        wrong |= {f"{name}: {what}": those for what, those in found.items() if those}
    assert not wrong


@pytest.mark.parametrize("answer", ["done", "again"])
def test_a_doubt_is_decided_by_the_keyboard_alone(
    page: Page, shop: dict[str, str], sign_in: Callable[[Page, str], None], answer: str
) -> None:
    sign_in(page, shop["doubt"])
    page.press_enter_on("a.jq-decide")
    page.wait_text("#content", "Was it done?", "charge the card")
    page.type("#receipt", "7")
    answers = [page.press_tab() for _ in range(3)]
    assert answers == ["It was done", "It was not: do it again", "No, take me back"]
    page.press_enter_on(f"button[value={answer}]")
    page.wait_text(".messagelist", "Decided that charge the card")
    page.wait_text(".jq-now", "Ready")
