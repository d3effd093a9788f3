"""What is wrong with jobs that ask for more than to be run, in a sentence each. Knows no database.

They take slots, wait for others, are made by a schedule, deliver outside, go on from a checkpoint, or are the only one
of their key.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from .claims import crowds
from .facts import FAILED, SUCCESSFUL, Facts
from .history import Line
from .kinds import EVERY_SECONDS, before, kind_of, unique_key_of

# Between what a process and what a database server call now.
_SAME_TIME = 1.0


def crowded(facts: Facts) -> Iterator[str]:
    """Yield where more ran at once than may, by the moments of the database."""
    return (f"Ran at once: {crowd}" for crowd in crowds(facts.claims))


# -- jobs that wait for others -----------------------------------------------------------------------


def early(facts: Facts) -> Iterator[str]:
    """Yield what began before all that it waits for had succeeded: by the bodies, and by the database."""
    yield from _begun_early(facts)
    jobs = {seen.number: seen for seen in facts.jobs.values()}
    for seen in facts.jobs.values():
        for number in before(seen.number) if seen.started_at else ():
            earlier = jobs.get(number)
            if earlier is None or earlier.status != SUCCESSFUL or earlier.ended > seen.began:
                yield f"It was claimed before {number} had succeeded ({earlier}): {seen}"


def _begun_early(facts: Facts) -> Iterator[str]:
    done: dict[str, float] = {}
    for line in facts.lines:
        if line.what == "over" and line.note == "ok":
            done[line.number] = min(line.at, done.get(line.number, line.at))
    for line in facts.lines:
        for number in before(line.number) if line.what == "begin" else ():
            if done.get(number, line.at) >= line.at:
                yield f"{line.number} began before {number} was over"


def falsely_given(facts: Facts) -> Iterator[str]:
    """Yield what was told something else than what those before it returned."""
    for line in facts.lines:
        if line.what == "given":
            given, expected = json.loads(line.note), before(line.number)
            # Who is retried late may find that they were pruned.
            if given != expected and not (facts.retried[line.job] and set(given) <= {*expected, None}):
                yield f"{line.number} was given {given}"


# -- the schedule ------------------------------------------------------------------------------------


def lost_ticks(facts: Facts) -> Iterator[str]:
    """Yield ticks without a job, and moments without a tick."""
    for at, job_id in facts.ticks.items():
        if job_id not in facts.jobs:
            yield f"The job of the tick at {at} was never seen: {job_id}"
    for at, following in pairwise(sorted(facts.ticks)):
        if following - at > timedelta(seconds=EVERY_SECONDS):
            yield f"There was no tick between {at} and {following}"


def ticks_twice(facts: Facts) -> Iterator[str]:
    """Yield jobs that no tick, or more than one, has made, and ticks between two ticks."""
    made = Counter(facts.ticks.values())
    for seen in facts.jobs.values():
        if kind_of(seen.number) == "tick" and made[seen.id] != 1:
            yield f"It is the job of {made[seen.id]} ticks: {seen}"
    for at, following in pairwise(sorted(facts.ticks)):
        if following - at < timedelta(seconds=EVERY_SECONDS):
            yield f"There was a tick at {at} and at {following}"


# -- deliveries --------------------------------------------------------------------------------------


def delivered_twice(facts: Facts) -> Iterator[str]:
    """Yield what was delivered again though nobody had said that it was to be, and what had another key then."""
    nothing = Counter(line.number for line in facts.lines if line.what == "asked" and line.note == "nothing")
    for number, keys in facts.delivered.items():
        allowed = 1 + facts.again[number] + nothing[number]
        if len(keys) > allowed:
            yield f"{number} was delivered {len(keys)} times, and {allowed} were allowed"
        if len(set(keys)) > 1:
            yield f"{number} was delivered under the keys {sorted(set(keys))}"


def not_delivered(facts: Facts) -> Iterator[str]:
    """Yield what is done and was not delivered."""
    for seen in facts.jobs.values():
        is_one = kind_of(seen.number) in ("mail", "parcel") and seen.status == SUCCESSFUL
        if is_one and not facts.delivered.get(seen.number):
            yield f"It is done and was never delivered: {seen}"


# -- checkpoints -------------------------------------------------------------------------------------


def falsely_resumed(facts: Facts) -> Iterator[str]:
    """Yield what went on from another state than the last that was committed; states only rise."""
    states = defaultdict[str, list[Line]](list)
    for line in facts.lines:
        if line.what in ("keeping", "kept"):
            states[line.job].append(line)
    for line in facts.lines:
        if line.what == "resumed":
            earlier = [one for one in states[line.job] if one.at < line.at]
            least = max((int(one.note) for one in earlier if one.what == "kept"), default=0)
            most = max((int(one.note) for one in earlier), default=0)
            if not least <= int(line.note) <= most:
                yield f"{line.number} resumed from {line.note}, where {least} was kept and no more than {most} begun"


# -- one at a time -----------------------------------------------------------------------------------


def falsely_joined(facts: Facts) -> Iterator[str]:
    """Yield calls that were answered with a job that is not there, is of another key, or had ended before."""
    sent = {line.number: line.at + facts.clock for line in facts.lines if line.what == "sent"}
    for line in facts.lines:
        if line.what == "joined":
            seen = facts.jobs.get(line.job)
            if seen is None or unique_key_of(seen.number) != unique_key_of(line.number):
                yield f"{line.number} was answered with another job: {seen or line.job}"
            elif seen.status in (SUCCESSFUL, FAILED) and seen.ended + _SAME_TIME < sent[line.number]:
                yield f"{line.number} was answered with a job that had ended: {seen}"
