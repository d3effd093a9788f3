"""A crash point that is declared and nowhere reached would never be swept; one that is not declared, never found."""

import ast
from collections import Counter

from jobqueue.points import POINTS
from tests.processes import ROOT

PACKAGE = ROOT / "jobqueue"


def points_in(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reached":
            (name,) = node.args
            assert isinstance(name, ast.Constant), f"the name of a point is written out: {ast.unparse(node)}"
            yield name.value


def test_the_code_and_the_declaration_agree():
    found = Counter(name for path in PACKAGE.rglob("*.py") for name in points_in(path.read_text()))
    assert found == Counter(dict.fromkeys(POINTS, 1))


def test_the_page_lists_them_all():
    page = (ROOT / "docs" / "crashpoints.md").read_text().partition("## The points")[2]
    listed = [line for line in page.splitlines() if line.startswith("| `")]
    assert listed == [f"| `{name}` | {what} |" for name, what in POINTS.items()]
