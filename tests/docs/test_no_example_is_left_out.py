"""Whatever Python stands on a page is run by a test here, and whatever command stands there is understood."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from django.core.management import CommandError, load_command_class

from tests.docs.pages import PAGES, ROOT, commands, examples, fenced

TESTS = "".join(file.read_text() for file in sorted(Path(__file__).parent.glob("test_the_example*.py")))
OURS = ("runworkers", "jobs", "drill")
JOB = "0199d8c2-7b1e-7000-8000-000000000000"
# What stands for a value, and what is left out where a verb is only named.
STANDS_FOR = {"0199d8c2-…": JOB, "…": "x", "N": "2", "S": "2", "T": "2", "MB": "200"}
NAMED = {"show": [JOB], "decide": [JOB, "--again"]}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def filled_in(words: list[str]) -> list[str]:
    match words:
        case [verb] if verb in NAMED:
            words = [verb, *NAMED[verb]]
        case ["…"]:
            words = []
        case [*rest, before, "…"] if not before.startswith("-"):
            words = [*rest, before]
    return [STANDS_FOR.get(word, word) for word in words]


@pytest.mark.parametrize("page", [page for page in PAGES if fenced(page.read_text(), "python")], ids=name_of)
def test_the_python_of_each_page_is_run(page: Path) -> None:
    for block in fenced(page.read_text(), "python"):
        compile(block, name_of(page), "exec")
    assert examples(page.stem)
    assert f'"{page.stem}"' in TESTS or f'"{page.stem}.md"' in TESTS, f"no test here runs the Python of {page.name}"


@pytest.mark.parametrize("page", [page for page in PAGES if [*commands(page.read_text())]], ids=name_of)
def test_each_command_of_each_page_is_understood(page: Path) -> None:
    for line in commands(page.read_text()):
        command, *words = shlex.split(line, comments=True)
        if command not in OURS:
            continue
        words = filled_in(words)
        try:
            load_command_class("jobqueue", command).create_parser("manage.py", command).parse_args(words)
        except CommandError as error:
            pytest.fail(f"{page.name} has `{line}`: {error}")
