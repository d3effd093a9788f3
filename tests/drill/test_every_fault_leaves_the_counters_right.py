"""Given a user's settings, when the drill is held on them, then all is right, and nothing of it is left."""

from __future__ import annotations

from collections.abc import Callable

from tests.drill.drills import Drill

FAULTS = [
    "a job outlives its lease",
    "executor killed (-9)",
    "worker killed (-9)",
    "worker frozen",
    "Redis emptied",
]


def test_every_fault_leaves_the_counters_right(drill: Callable[..., Drill], backend_alias: str) -> None:
    held = drill("--backend", backend_alias)

    assert held.wait() == 0
    lines = held.lines()
    assert [line[0] for line in lines if line[0] in FAULTS] == FAULTS
    has_redis = backend_alias == "default"
    assert {line[-1] for line in lines[:-1]} == {"right"}
    assert lines[-1][-1] == ("right" if has_redis else "does not apply: OPTIONS['REDIS'] is None")
    assert held.leftovers() == []
