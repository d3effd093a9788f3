"""Compares what was done, said and seen in a chapter with what the database holds in the end. Knows no database.

Lost: enqueued and not ended, or gone. Duplicated: an effect, a job or a run that there is twice. False reports: a
status, an answer, a signal or a result that is not so, and a failure for no reason. Beyond limits: more at once than
may run. Each is a sentence that names the job. What it takes to judge the jobs of ``feature_tasks`` is in ``features``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import features
from .facts import FAILED, SUCCESSFUL, Facts, Seen
from .kinds import COUNTERS, IN_DOUBT, LEAVES, MAX_CRASHES, MUST_FAIL, STEPS, children_of, counter_of, kind_of


@dataclass(slots=True)
class Verdict:
    """What was found wrong."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    reordered: list[str] = field(default_factory=list)
    false_reports: list[str] = field(default_factory=list)
    beyond_limits: list[str] = field(default_factory=list)

    def wrong(self) -> list[str]:
        """Return all of it, each with what it is."""
        return [
            f"{name.replace('_', ' ')}: {text}"
            for name in ("lost", "duplicated", "reordered", "false_reports", "beyond_limits")
            for text in getattr(self, name)
        ]


def judge(facts: Facts) -> Verdict:
    """Return what is wrong with a chapter in which everything has come to rest."""
    return Verdict(
        lost=[
            *_lost(facts),
            *_lost_children(facts),
            *_lost_counts(facts),
            *features.lost_ticks(facts),
            *features.not_delivered(facts),
        ],
        duplicated=[
            *_twice(facts),
            *_two_jobs(facts),
            *_two_runs(facts),
            *features.ticks_twice(facts),
            *features.delivered_twice(facts),
        ],
        reordered=list(features.early(facts)),
        false_reports=[
            *_false_ends(facts),
            *_false_answers(facts),
            *_false_enqueues(facts),
            *features.falsely_given(facts),
            *features.falsely_resumed(facts),
            *features.falsely_joined(facts),
        ],
        beyond_limits=list(features.crowded(facts)),
    )


# -- lost ------------------------------------------------------------------------------------------


def _lost(facts: Facts) -> Iterator[str]:
    for seen in facts.jobs.values():
        if not seen.finished:
            yield f"It never ended: {seen}"
    for line in facts.lines:
        if line.what == "known" and line.job not in facts.jobs:
            yield f"It was enqueued and never seen: {line.number} ({line.job})"


def _lost_children(facts: Facts) -> Iterator[str]:
    numbers = {seen.number for seen in facts.jobs.values()}
    for seen in facts.jobs.values():
        born = children_of(seen.number) if seen.status == SUCCESSFUL else []
        for child in born:
            if child not in numbers:
                yield f"It was enqueued by {seen} and never seen: {child}"


def _lost_counts(facts: Facts) -> Iterator[str]:
    counted = Counter(counter_of(effect.number) for effect in facts.effects)
    for counter in range(COUNTERS):
        if facts.counters.get(counter, 0) < counted[counter]:
            yield f"Counter {counter} is {facts.counters.get(counter, 0)} after {counted[counter]} effects"


# -- duplicated ------------------------------------------------------------------------------------


def _twice(facts: Facts) -> Iterator[str]:
    for (number, step), times in Counter((effect.number, effect.step) for effect in facts.effects).items():
        if times > 1:
            yield f"{step} of {number} happened {times} times"
    counted = Counter(counter_of(effect.number) for effect in facts.effects)
    for counter in range(COUNTERS):
        if facts.counters.get(counter, 0) > counted[counter]:
            yield f"Counter {counter} is {facts.counters[counter]} after {counted[counter]} effects"


def _two_jobs(facts: Facts) -> Iterator[str]:
    ids = defaultdict[str, set[str]](set)
    for seen in facts.jobs.values():
        ids[seen.number].add(seen.id)
    for line in facts.lines:
        if line.what == "known":
            ids[line.number].add(line.job)
    for number, jobs in ids.items():
        if len(jobs) > 1:
            yield f"{number} is {len(jobs)} jobs: {', '.join(sorted(jobs))}"


def _two_runs(facts: Facts) -> Iterator[str]:
    claims = Counter((line.number, line.note) for line in facts.lines if line.what == "begin")
    for (number, token), times in claims.items():
        if times > 1:
            yield f"{number} was begun {times} times under one claim ({token})"


# -- false reports ---------------------------------------------------------------------------------


def _false_ends(facts: Facts) -> Iterator[str]:
    left = defaultdict[str, list[str]](list)
    for effect in facts.effects:
        left[effect.number].append(effect.step)
        seen = facts.jobs.get(effect.job)
        if seen is None or seen.number != effect.number:
            yield f"An effect of a job that there is not: {effect}"
        elif seen.status == SUCCESSFUL and _is_atomic(seen) and effect.token != seen.token:
            yield f"{effect.step} was done under another claim than the one that succeeded: {seen}"
    for seen in facts.jobs.values():
        steps = set(left.get(seen.number, ()))
        if seen.status == SUCCESSFUL:
            yield from _false_success(seen, steps)
        elif seen.status == FAILED:
            yield from _false_failure(seen, steps)


def _is_atomic(seen: Seen) -> bool:
    return kind_of(seen.number) not in STEPS


def _false_success(seen: Seen, steps: set[str]) -> Iterator[str]:
    kind = kind_of(seen.number)
    if kind in MUST_FAIL:
        yield f"It can only fail: {seen}"
    elif steps != LEAVES[kind]:
        yield f"It is done and left {sorted(steps) or 'nothing'}: {seen}"
    elif seen.result != seen.number:
        yield f"It returned {seen.result!r}: {seen}"


def _false_failure(seen: Seen, steps: set[str]) -> Iterator[str]:
    kind = kind_of(seen.number)
    order = STEPS.get(kind, ())
    if steps != set(order[: len(steps)]):
        yield f"It failed and left {sorted(steps)}: {seen}"
    if seen.outcome in ("crashed", "lost"):
        if seen.crashes < MAX_CRASHES:
            yield f"It failed before its crash budget was spent: {seen}"
    elif seen.outcome == "in_doubt" and kind in IN_DOUBT:
        return
    elif seen.outcome not in ("cancelled", MUST_FAIL.get(kind)):
        yield f"It failed for no reason: {seen}"


def _false_answers(facts: Facts) -> Iterator[str]:
    for line in facts.lines:
        seen = facts.jobs.get(line.job)
        told = line.what in ("known", "heard") and line.note in (SUCCESSFUL, FAILED)
        if told and seen is not None and line.note != seen.status and not facts.retried[seen.id]:
            yield f"Somebody was told that it is {line.note}: {seen}"
    for job_id in facts.cancelled:
        seen = facts.jobs.get(job_id)
        if seen is not None and seen.outcome != "cancelled" and not facts.retried[job_id]:
            yield f"It was cancelled: {seen}"


def _false_enqueues(facts: Facts) -> Iterator[str]:
    undone = {line.number for line in facts.lines if line.what == "undone"}
    failed = {seen.number for seen in facts.jobs.values() if seen.status == FAILED}
    orphans = {child for number in failed for child in children_of(number)}
    for seen in facts.jobs.values():
        if seen.number in undone | orphans:
            yield f"Whoever enqueued it took that back: {seen}"
