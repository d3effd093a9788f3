"""Looks for what keeps people from using a page, by the rules of axe-core; axe-selenium-python brings these."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.browser.page import Page

# By the guidelines for accessible contents (WCAG 2.2), A and AA, and what is good practice beyond them.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Those that a change of the colour scheme can break.
OF_COLOUR = ["color-contrast", "link-in-text-block"]
RUN = """const [rules, within, done] = arguments;
const parts = [...document.querySelectorAll(within)].filter(each => !each.parentElement?.closest(within));
axe.run(parts, {runOnly: rules, resultTypes: ["violations"]}).then(
    found => done(found.violations.flatMap(each => each.nodes.map(
        node => [each.id, node.target.join(" "), node.html.slice(0, 160), node.failureSummary]))),
    error => done([["error", "", "", String(error)]]));"""
# What Django's own pages and markup break, by rule and element, and why we leave it at that.
OF_DJANGO = {
    # The label is an image, whose alternative text the rule does not count.
    ("label-title-only", "#searchbar"),
}


class Violation(NamedTuple):
    """What breaks a rule: which rule, which element, its beginning, and what to do about it."""

    rule: str
    element: str
    html: str
    advice: str


@cache
def script() -> str:
    """Return axe-core. The driver hands it to a page, so that the page's policy for scripts has no say in it."""
    found = importlib.util.find_spec("axe_selenium_python")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "node_modules/axe-core/axe.min.js").read_text()


def violations(page: Page, rules: Sequence[str] = RULES, *, within: str = ":root") -> list[Violation]:
    """Return what on a page breaks these rules, each named by itself or by a tag, but for what is Django's own.

    Only what is in such elements is looked at, and there has to be one.
    """
    if not page.ask("'axe' in window"):
        page.driver.execute_script(script())
    found = [Violation(*each) for each in page.driver.execute_async_script(RUN, list(rules), within)]
    return [it for it in found if (it.rule, it.element) not in OF_DJANGO]
