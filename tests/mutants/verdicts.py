"""A pytest plugin, loaded by ``-p tests.mutants.verdicts``: writes down how tests end, and what was loaded by then.

One line of JSON for each phase of a test, in the file that ``JOBQUEUE_MUTANT_VERDICTS`` names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.mutants.hook import LOADED
from tests.mutants.mutant import Killer

VERDICTS = "JOBQUEUE_MUTANT_VERDICTS"
# pytest.fail(), which is also how pytest.raises() says that nothing was raised.
_ASSERTIONS = {"AssertionError", "Failed"}


class Phase(NamedTuple):
    """How a phase of a test ended. `when` is setup, call or teardown; `error` the class of what was raised."""

    test: str
    when: str
    outcome: str
    error: str
    seconds: float
    loaded: list[str]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Note a phase."""
    report = yield
    error = call.excinfo.typename if call.excinfo else ""
    phase = Phase(item.nodeid, report.when, report.outcome, error, report.duration, sorted(_lines(LOADED)))
    with Path(os.environ[VERDICTS]).open("a") as verdicts:
        verdicts.write(f"{json.dumps(phase)}\n")
    return report


def _lines(variable: str) -> set[str]:
    path = os.environ.get(variable)
    return set(Path(path).read_text().splitlines()) if path and Path(path).exists() else set()


def read(path: Path) -> list[Phase]:
    """Return what was written down."""
    return [Phase(*json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def word_of(killer: Killer, phases: list[Phase], files: set[str]) -> str:
    """Return "killed", or what became of the mutant with those changed files instead.

    A test kills by failing in its own body, by an assertion or by the error that it is known to fail by, and with all
    that is changed really loaded: in its own process or in one that it started.
    """
    own = [phase for phase in phases if phase.test == killer.test]
    body = next((phase for phase in own if phase.when == "call"), None)
    if body is None:
        failed = next((phase for phase in own if phase.outcome == "failed"), None)
        return f"{failed.error} in its {failed.when}" if failed else "was not run"
    if missing := files - set(body.loaded):
        return f"{', '.join(sorted(missing))} was not loaded"
    if body.outcome != "failed":
        return "SURVIVED" if body.outcome == "passed" else body.outcome
    return "killed" if body.error in _ASSERTIONS | {killer.by} else f"failed by {body.error}"
