"""What each kind of job has to leave behind. The kind is the first word of a job's number: bump-0-17 is a bump."""

from __future__ import annotations

import zlib

COUNTERS = 8
MAX_CRASHES = 3

# The effects of a success, each of them once.
LEAVES: dict[str, frozenset[str]] = {
    "bump": frozenset({"bump"}),
    "keyed": frozenset({"keyed"}),
    "steps": frozenset({"first", "second"}),
    "value": frozenset(),
    "flaky": frozenset({"flaky"}),
    "parent": frozenset({"parent"}),
    "slow": frozenset({"slow"}),
    "slowsteps": frozenset({"first", "second"}),
    "limited": frozenset({"limited"}),
    "part": frozenset({"part"}),
    "total": frozenset({"total"}),
    "only": frozenset({"only"}),
    "coro": frozenset({"coro"}),
    "tick": frozenset({"tick"}),
    "mail": frozenset({"sent"}),
    "parcel": frozenset({"sent"}),
    "resume": frozenset({"part0", "part1", "part2", "part3"}),
}
# Steps that are done before a job fails stay done.
STEPS: dict[str, tuple[str, ...]] = {
    "steps": ("first", "second"),
    "slowsteps": ("first", "second"),
    "outlaw": ("first",),
    "mail": ("sent",),
    "parcel": ("sent",),
    "resume": ("part0", "part1", "part2", "part3"),
}
# These fail, and for this reason. Any job may also be cancelled, and fail for good after so many crashes.
MUST_FAIL = {
    "hopeless": "raised",
    "poison": "crashed",
    "late": "timed_out",
    "outlaw": "raised",
    "doomed": "dependency",
}
# What these deliver nobody can be asked about but an operator.
IN_DOUBT = frozenset({"mail"})
# How many of them may run at once, on all workers.
LIMITS = {"limited": 2}
SCHEDULE, EVERY_SECONDS = "soak", 2


def kind_of(number: str) -> str:
    """Return the kind of a job."""
    return number.partition("-")[0]


def counter_of(number: str) -> int:
    """Return which of the counters a job raises."""
    return zlib.crc32(number.encode()) % COUNTERS


def children_of(number: str) -> list[str]:
    """Return the numbers of the jobs that a job enqueues: parent-0-17x3 has three."""
    _, _, count = number.partition("x") if kind_of(number) == "parent" else ("", "", "0")
    return [f"bump-{number}.{i}" for i in range(int(count))]


def before(number: str) -> list[str]:
    """Return the numbers of the jobs that a job waits for: total-0-17x3 waits for three."""
    if kind_of(number) == "doomed":
        return [f"hopeless-{number}"]
    _, _, count = number.partition("x") if kind_of(number) == "total" else ("", "", "0")
    return [f"part-{number}.{i}" for i in range(int(count))]


def unique_key_of(number: str) -> str:
    """Return what there can be one active job of at a time, "" when there is no such thing: only-0-17x3 has 3."""
    return number.partition("x")[2] if kind_of(number) == "only" else ""


def slots_of(number: str) -> tuple[str, int]:
    """Return under which name a job counts with others while it runs, and how many may run; "" when it does not."""
    if key := unique_key_of(number):
        return f"only {key}", 1
    kind = kind_of(number)
    return (kind, LIMITS[kind]) if kind in LIMITS else ("", 0)


def number_of(job_id: object, first: str) -> str:
    """Return the number of a job that is called with that; jobs of a schedule are all called with the same."""
    return f"tick-{job_id}" if first == "tick" else first
