"""What an import cannot tell: who calls a task's function, and who builds a TaskResult."""

import ast

import pytest

from tests.processes import ROOT

PACKAGE = ROOT / "jobqueue"


def calls(tree):
    return (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))


def calls_a_task(function):
    return isinstance(function, ast.Attribute) and function.attr == "func"


def builds_a_result(function):
    return isinstance(function, ast.Name) and function.id in {"TaskResult", "JobResult"}


@pytest.mark.parametrize(
    ("deed", "places"),
    [(calls_a_task, {"worker/executor/perform.py"}), (builds_a_result, {"results.py"})],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_it_is_done_in_one_place(deed, places):
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(deed(function) for function in calls(ast.parse(path.read_text())))
    }
    assert found == places
