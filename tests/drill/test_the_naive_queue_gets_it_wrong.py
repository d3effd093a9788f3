"""Given a lock that expires by itself, when the same faults happen, then the drill sees the wrong counters."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.drill.drills import Drill


def test_the_naive_queue_gets_it_wrong(drill: Callable[..., Drill], backend_alias: str) -> None:
    held = drill("--backend", backend_alias, "--naive", "--only", "slow-job", "--only", "frozen-worker")

    assert held.wait() == 1
    lines = held.lines()
    assert len(lines) == 4
    for line in lines:
        expected, found, verdict = line[-3:]
        assert int(found) > int(expected)
        assert verdict == f"WRONG: counter is {found}"
    assert "as was to be expected of this design" in held.output
    assert held.leftovers() == []


def test_a_program_reads_that_it_is_wrong(drill: Callable[..., Drill]) -> None:
    held = drill("--naive", "--only", "slow-job", "--json")

    assert held.wait() == 1
    document = json.loads(held.printed)
    assert (document["queue"], document["ok"]) == ("naive", False)
    for row in document["rows"]:
        assert not row["ok"]
        assert row["counted"] > row["expected"]
        assert row["evidence"]["wrong"] == [f"counter is {row['counted']}"]
    assert list(document["logs"]) == ["a job outlives its lease"]
