"""Two workers, one job, a crash and a flush, in every order; with SCOPE=2 in the environment, two crashes."""

from __future__ import annotations

import os

import pytest

from tests.simulation.plan import Job, Plan
from tests.simulation.small_scope import Search
from tests.simulation.stage import Stage
from tests.simulation.watch import Violation

# Two crashes take some five times as long as one.
_CRASHES = int(os.environ.get("SCOPE", "1"))


def test_every_promise_is_kept(theatre: Stage) -> None:
    search = Search(Plan((Job("bump"),)), crashes=_CRASHES, flushes=1)
    search.run(theatre)
    print(search)
    assert len(search.states) > 500, "Hardly anything was searched."
    assert search.ends.keys() <= {"SUCCESSFUL ok"}, "Nothing that may happen here keeps a job from succeeding."


def test_without_the_ledger_the_search_finds_a_step_that_was_done_twice(
    theatre: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobqueue.ledger.record_step", lambda *_: None)
    with pytest.raises(Violation, match=r"S1: one of .* was committed 2 times"):
        Search(Plan((Job("steps"),)), 1, 0).run(theatre)
