"""Makes a plan of a seed. What a seed means must not change: seeds.py keeps those that found something.

There are two families. The first one draws from the kinds of jobs and faults that there were first, exactly as it
always did. Of eight seeds two are of the second, which draws features that came later together with them: those
two because none of the seeds that had found something by then was one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.simulation.plan import (
    ANYWHERE,
    AT_EXECUTOR,
    AT_LATER,
    CLASSES,
    DURATIONS,
    KINDS,
    REDIS_CALLS,
    STATEMENTS,
    Fault,
    Job,
    Plan,
)

_LATER = (3, 6)
_MOMENTS = (0.0, 0.0, 0.0, 0.5, 1.0)
_AT_CALLS = {
    "commit-fails",
    "commit-lost",
    "commit-late",
    "commit-late-undone",
    "statement-fails",
    "statement-lost",
    "redis-lost",
    "redis-fails",
}
# At a named point; what strikes at statements and COMMITs comes with the faults that there were first.
_WHAT_STRIKES = [what for kinds in CLASSES for what in kinds if what not in _AT_CALLS]


def random_plan(seed: int) -> Plan:
    """Return the plan of a seed."""
    return _later_plan(seed) if seed % 8 in _LATER else _first_plan(seed)


def _first_plan(seed: int) -> Plan:
    rng = Random(seed)
    jobs = tuple(_job(rng) for _ in range(rng.choice((1, 1, 2, 2, 3))))
    faults = tuple(_fault(rng) for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 4))))
    return Plan(
        jobs=jobs,
        faults=faults,
        seed=seed,
        restlessness=rng.choice((0.0, 0.05, 0.3, 1.0)),
        redis=rng.random() < 0.85,
        listens=rng.random() < 0.3,
        concurrency=rng.choice((1, 1, 2)),
        deferred=rng.random() < 0.2,
    )


def _job(rng: Random) -> Job:
    kind = rng.choices(KINDS, weights=(6, 3, 6, 3, 2, 2, 1, 1, 1, 1))[0]
    at = rng.choice(_MOMENTS)
    return Job(kind, at, rng.choice((None, None, None, "key")), rng.random() < 0.05)


def _fault(rng: Random) -> Fault:
    what = rng.choice(rng.choice(CLASSES))
    nth = rng.choice((1, 1, 1, 2, 3, 5))
    amount = rng.choice(DURATIONS)
    if what.startswith("commit-"):
        return Fault(what, "COMMIT", rng.choice((1, 2, 3, 4, 5, 6, 8, 10, 15)), amount)
    if what.startswith("statement-"):
        return Fault(what, rng.choice(STATEMENTS), nth, amount)
    if what in ("redis-lost", "redis-fails"):
        return Fault(what, rng.choice(REDIS_CALLS), rng.choice((1, 2, 4, 8)), amount)
    if what.endswith("-clock"):
        amount = rng.choice((-5.0, -1.0, 1.0, 5.0, 100.0))
    where: str | float = rng.choice(ANYWHERE)
    if rng.random() < 0.15:
        where = round(rng.random() * 4, 2)
    elif rng.random() < 0.6:
        where = rng.choice(AT_EXECUTOR)
    return Fault(what, where, nth, amount)


def _later_plan(seed: int) -> Plan:
    rng = Random(seed)
    redis = rng.random() < 0.85
    feature = rng.choice([name for name in _FEATURES if redis or name != "ticks"])
    jobs = _FEATURES[feature](rng)
    if rng.random() < 0.4:
        jobs.append(_job(rng))
    faults = [_later_fault(rng, feature) for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3)))]
    if feature == "deliveries" and rng.random() < 0.7:
        faults.append(Fault("decide", rng.choice((3.0, 6.0, 9.0))))
    return Plan(
        jobs=tuple(jobs),
        faults=tuple(faults),
        seed=seed,
        restlessness=rng.choice((0.0, 0.05, 0.3, 1.0)),
        redis=redis,
        listens=rng.random() < 0.2,
        concurrency=rng.choice((1, 1, 2)),
        deferred=rng.random() < 0.2,
        ticks=feature == "ticks",
    )


def _limited(rng: Random) -> list[Job]:
    kind = rng.choice(("press", "press", "pace"))
    return [Job(kind, rng.choice(_MOMENTS)) for _ in range(rng.choice((2, 2, 3)))]


def _behind_others(rng: Random) -> list[Job]:
    """Draw one or two jobs, one that waits for them, and sometimes one behind that."""
    earlier = rng.choices(("value", "bump", "fails_once", "late", "stray"), (4, 3, 2, 1, 1), k=rng.choice((1, 2, 2)))
    jobs = [Job(kind, rng.choice(_MOMENTS)) for kind in earlier]
    how = rng.choice(("cancel", "cancel", "fail", "run"))
    jobs.append(Job("gather", rng.choice((0.0, 0.5, 1.0)), after=tuple(range(len(jobs))), on_failure=how))
    if rng.random() < 0.3:
        jobs.append(Job("gather", rng.choice((0.5, 1.0)), after=(len(jobs) - 1,), on_failure=how))
    return jobs


def _long(rng: Random) -> list[Job]:
    return [Job(rng.choice(("resumes", "freely")))]


def _delivered(rng: Random) -> list[Job]:
    return [Job(rng.choice(("delivers", "delivers", "asks")))]


def _unique(rng: Random) -> list[Job]:
    kind = rng.choice(("sole", "pending"))
    return [Job(kind, rng.choice(_MOMENTS), None, rng.random() < 0.1) for _ in range(rng.choice((2, 3)))]


def _ticking(_rng: Random) -> list[Job]:
    return []


_FEATURES: dict[str, Callable[[Random], list[Job]]] = {
    "limits": _limited,
    "others": _behind_others,
    "ticks": _ticking,
    "checkpoints": _long,
    "deliveries": _delivered,
    "unique": _unique,
}


def _later_fault(rng: Random, feature: str) -> Fault:
    """Draw one of those that there were first, or one that strikes where a later feature can be struck."""
    if rng.random() < 0.3:
        return _fault(rng)
    what = rng.choice(_WHAT_STRIKES)
    if rng.random() < 0.1:
        what = "reschedule" if feature == "ticks" else rng.choice(("decide", "cancel", "retry"))
    amount = rng.choice((-5.0, 1.0, 100.0)) if what.endswith("-clock") else rng.choice(DURATIONS)
    return Fault(what, rng.choice(AT_LATER[feature]), rng.choice((1, 1, 1, 2, 3)), amount)
