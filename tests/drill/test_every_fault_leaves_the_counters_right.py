"""Given a user's settings, when the drill is held on them, then all is right, and nothing of it is left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import pytest

from jobqueue.drill.plan import FAULTS as NAMES
from tests.drill.drills import Drill

TITLES = [
    "a job outlives its lease",
    "executor killed (-9)",
    "worker killed (-9)",
    "worker frozen",
    "Redis emptied",
    "the GIL is held",
    "executor frozen",
    "segmentation fault",
    "killed before its COMMIT",
    "an error is swallowed",
    "worker told to stop",
    "one key, 20 times",
    "poison among others",
]
# With the leases in the database alone; what does not depend on them is drilled once.
WITHOUT_REDIS = ["slow-job", "killed-worker", "frozen-worker", "emptied-redis", "held-gil", "frozen-executor"]


def only(names: Iterable[str]) -> list[str]:
    return [word for name in names for word in ("--only", name)]


# Two drills, so that they can be held at a time.
@pytest.mark.parametrize("part", [slice(5), slice(5, None)], ids=["of-workers", "of-bodies-and-callers"])
def test_every_fault_leaves_the_counters_right(drill: Callable[..., Drill], part: slice) -> None:
    held = drill(*only(NAMES[part]))

    assert held.wait() == 0
    lines = held.lines()
    assert [line[0] for line in lines if line[0] in TITLES] == TITLES[part]
    assert {line[-1] for line in lines} == {"right"}
    assert held.leftovers() == []


def test_so_it_is_without_redis_and_a_program_can_read_it(drill: Callable[..., Drill]) -> None:
    held = drill("--backend", "plain", "--json", *only(WITHOUT_REDIS))

    assert held.wait() == 0
    document = json.loads(held.printed)
    assert (document["queue"], document["redis"], document["lease"], document["ok"]) == ("jobqueue", False, 2.0, True)
    assert document["left_out"] == ["emptied-redis"]
    assert document["logs"] == {}
    rows = document["rows"]
    wanted = [name for name in NAMES if name in WITHOUT_REDIS and name != "emptied-redis"]
    assert list(dict.fromkeys(row["fault"] for row in rows)) == wanted
    for row in rows:
        assert row["ok"], row
        assert row["counted"] == row["expected"] > 0
        assert row["evidence"]["wrong"] == []
    assert all(row["seconds"] > 0 for row in rows if row["fault"] == "killed-worker")
    assert held.leftovers() == []


def test_a_table_without_redis_says_what_does_not_apply(drill: Callable[..., Drill]) -> None:
    held = drill("--backend", "plain", "--only", "emptied-redis")

    assert held.wait() == 0
    assert [line[-1] for line in held.lines()] == ["does not apply: OPTIONS['REDIS'] is None"]
