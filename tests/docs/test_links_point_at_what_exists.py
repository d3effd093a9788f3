"""Every relative link and anchor of the docs leads somewhere, and every promise to a test and to a mutant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mutants.table import CARDINAL, MUTANTS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
PICTURE = re.compile(r"""src(?:set)?="([^"]+)\"""")
MUTANT = re.compile(r"`([a-z-]+)`")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def relative_links(page: Path) -> list[str]:
    text = page.read_text()
    links = [*LINK.findall(text), *PICTURE.findall(text)]
    return [link for link in links if not link.startswith(("http:", "https:"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_point_at_what_exists(page: Path) -> None:
    for link in relative_links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name} links to {link}, which does not exist"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to {link}, which has no such heading"


def test_each_promise_names_a_test_and_a_mutant() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text()
    promises = [part.split("\n## ")[0] for part in re.split(r"^## (?=\d+\.)", text, flags=re.MULTILINE)[1:]]
    assert len(promises) == 9
    named = set[str]()
    for promise in promises:
        assert "../tests/" in promise, f"no test is named for: {promise.splitlines()[0]}"
        mutants = MUTANT.findall(promise.partition("\nMutants: ")[2])
        assert mutants, f"no mutant is named for: {promise.splitlines()[0]}"
        named.update(mutants)
    assert named <= {mutant.name for mutant in MUTANTS}
    assert named >= set(CARDINAL)
