"""Every relative link and every anchor in the docs leads somewhere, and every promise of the README to a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def relative_links(page: Path) -> list[str]:
    return [link for link in LINK.findall(page.read_text()) if not link.startswith(("http:", "https:"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_point_at_what_exists(page: Path) -> None:
    for link in relative_links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {link}, which does not exist"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to {link}, which has no such heading"


def test_each_promise_names_a_test() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text()
    promises = list(re.split(r"^## (?=\d+\.)", text, flags=re.MULTILINE)[1:])
    assert len(promises) == 8
    for promise in promises:
        assert "../tests/" in promise.split("\n## ")[0], f"no test is named for: {promise.splitlines()[0]}"
