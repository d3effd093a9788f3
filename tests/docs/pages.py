"""The pages of the documentation: the examples that stand on them, and the commands."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
# What stands on a page as others write it, for comparison.
OF_OTHERS = ("# Celery\n", "# RQ\n")
_FENCED = re.compile(r"^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)


def text_of(name: str) -> str:
    """Return a page, as in "README" or "unique"."""
    return (ROOT / f"{name}.md" if name.isupper() else ROOT / "docs" / f"{name}.md").read_text()


def fenced(text: str, language: str) -> list[str]:
    """Return the blocks of a page that are in that language."""
    return [textwrap.dedent(found["text"]) for found in _FENCED.finditer(text) if found["language"] == language]


def examples(name: str) -> list[str]:
    """Return the Python of a page that is to be run."""
    return [block for block in fenced(text_of(name), "python") if not block.startswith(OF_OTHERS)]


def commands(text: str) -> Iterator[str]:
    """Yield what a page has somebody type after `manage.py`, in a block or within a line."""
    for block in fenced(text, ""):
        yield from re.findall(r"^(?:\$ )?python manage\.py (.+)$", block, re.MULTILINE)
    for code in re.findall(r"`([^`\n]+)`", _FENCED.sub("", text)):
        if found := re.fullmatch(r"(?:python )?(?:manage\.py )?((?:runworkers|jobs|drill) .+)", code):
            yield found[1]
