"""A checker that finds nothing proves nothing: each kind of wrong is planted into a right history, and found."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.soak.claims import Claim, active_twice, crowds_of
from tests.soak.facts import Effect, Facts, Seen
from tests.soak.history import Line
from tests.soak.kinds import EVERY_SECONDS, MAX_CRASHES, counter_of
from tests.soak.verdict import judge

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def at(second):
    """Return a moment of the database, as the observer keeps it."""
    return str(NOON + timedelta(seconds=second))


def seen(number, status="SUCCESSFUL", *, job=None, outcome=None, result=..., crashes=0, token="t", began=0, ended=1):
    outcome = outcome or {"SUCCESSFUL": "ok", "FAILED": "raised"}.get(status, "")
    if result is ...:
        result = number if status == "SUCCESSFUL" else None
    job, began = job or f"id-{number}", "" if began is None else at(began)
    return Seen(job, number, status, outcome, 1, token, crashes, "w", at(ended), result, began)


def known(number, job=None, note=""):
    return Line("known", 1, 1.0, number, job or f"id-{number}", note)


def world():
    """Return a chapter with a job of every kind in which all is well."""
    jobs = [
        seen("bump-1"), seen("value-1"), seen("steps-1"), seen("parent-1x2"),
        seen("bump-parent-1x2.0"), seen("bump-parent-1x2.1"), seen("keyed-1"),
        seen("hopeless-1", "FAILED"), seen("poison-1", "FAILED", outcome="crashed", crashes=MAX_CRASHES),
        seen("late-1", "FAILED", outcome="timed_out"), seen("outlaw-1", "FAILED"),
        seen("slow-1", "FAILED", outcome="cancelled"), seen("slowsteps-1", "FAILED", outcome="cancelled"),
        seen("limited-1"), seen("part-total-1x2.0"), seen("part-total-1x2.1", ended=2), seen("total-1x2", began=2),
        seen("hopeless-doomed-1", "FAILED"), seen("doomed-1", "FAILED", outcome="dependency", began=None),
        seen("only-1x2"), seen("tick-1", job="id-tick-1"), seen("tick-2", job="id-tick-2"), seen("mail-1"),
        seen("mail-2", "FAILED", outcome="in_doubt"), seen("mail-3"), seen("parcel-1"), seen("resume-1"),
    ]  # fmt: skip
    effects = [
        ("bump-1", "bump"), ("steps-1", "first"), ("steps-1", "second"), ("parent-1x2", "parent"),
        ("bump-parent-1x2.0", "bump"), ("bump-parent-1x2.1", "bump"), ("keyed-1", "keyed"), ("outlaw-1", "first"),
        ("slowsteps-1", "first"), ("limited-1", "limited"), ("part-total-1x2.0", "part"), ("part-total-1x2.1", "part"),
        ("total-1x2", "total"), ("only-1x2", "only"), ("tick-1", "tick"), ("tick-2", "tick"), ("mail-1", "sent"),
        ("mail-3", "sent"), ("parcel-1", "sent"), *(("resume-1", f"part{i}") for i in range(4)),
    ]  # fmt: skip
    lines = [known(job.number) for job in jobs if not job.number.startswith("bump-parent")]
    lines += [known("keyed-1", note="SUCCESSFUL"), Line("heard", 2, 2.0, "bump-1", "id-bump-1", "SUCCESSFUL")]
    lines += [Line("undone", 1, 1.0, "bump-9", "id-bump-9", ""), Line("unknown", 1, 1.0, "bump-8", "", "")]
    lines += [
        Line("begin", 3, 2.0 + 2 * job.number.startswith("total"), job.number, job.id, f"token-{job.number}")
        for job in jobs
        if not job.number.startswith("doomed")
    ]
    lines += [Line("over", 3, 3.0, job.number, job.id, "ok") for job in jobs if job.status == "SUCCESSFUL"]
    lines += [Line("given", 3, 4.1, "total-1x2", "id-total-1x2", '["part-total-1x2.0", "part-total-1x2.1"]')]
    states = [("resumed", "0"), ("keeping", "1"), ("kept", "1"), ("keeping", "2"), ("resumed", "2")]
    lines += [Line(what, 3, 5.0 + i, "resume-1", "id-resume-1", state) for i, (what, state) in enumerate(states)]
    lines += [Line("asked", 4, 6.0, "parcel-1", "id-parcel-1", "nothing")]
    lines += [Line("sent", 1, 0.5, "only-2x2", "", ""), Line("joined", 1, 0.6, "only-2x2", "id-only-1x2", "")]
    facts = Facts(
        jobs={job.id: job for job in jobs},
        effects=[Effect(number, step, f"id-{number}", "t") for number, step in effects],
        counters={},
        lines=lines,
        again=Counter({"mail-3": 1}),
        claims=[claim("limited-1", 0, 4), claim("limited-2", 1, 2), claim("limited-3", 2, 3), claim("only-1x2", 0, 1)],
        delivered={"mail-1": ["m-1"], "mail-2": [], "mail-3": ["m-3", "m-3"], "parcel-1": ["p-1", "p-1"]},
        ticks={NOON: "id-tick-1", NOON + timedelta(seconds=EVERY_SECONDS): "id-tick-2"},
        clock=NOON.timestamp(),
    )
    count(facts)
    return facts


def claim(number, began, ended):
    return Claim(number, f"token-{number}", NOON.timestamp() + began, NOON.timestamp() + ended, "ok")


def count(facts):
    facts.counters = dict.fromkeys(range(8), 0)
    for effect in facts.effects:
        facts.counters[counter_of(effect.number)] += 1


def put(facts, job):
    facts.jobs[job.id] = job


def drop_effects(facts, number):
    facts.effects = [effect for effect in facts.effects if effect.number != number]
    count(facts)


def add_effect(facts, number, step, *, job=None, token="t"):
    facts.effects = [*facts.effects, Effect(number, step, job or f"id-{number}", token)]
    count(facts)


def add_line(facts, what, number, job="", note=""):
    facts.lines = [*facts.lines, Line(what, 9, 9.0, number, job, note)]


def tell_otherwise(facts, what, number, note):
    """Have the last line of that kind about a job say something else."""
    lines = list(facts.lines)
    place = max(i for i, line in enumerate(lines) if (line.what, line.number) == (what, number))
    lines[place] = lines[place]._replace(note=note)
    facts.lines = lines


def add_claim(facts, number, began, ended):
    facts.claims = [*facts.claims, claim(number, began, ended)]


def add_tick(facts, seconds, number):
    facts.ticks[NOON + timedelta(seconds=seconds)] = f"id-{number}"


def raise_counter(facts, number, by):
    facts.counters[counter_of(number)] += by


def test_nothing_is_wrong_where_nothing_is():
    assert judge(world()).wrong() == []


WRONG = {
    "lost": {
        "it still waits": lambda facts: put(facts, seen("value-1", "READY")),
        "it still runs": lambda facts: put(facts, seen("value-1", "RUNNING")),
        "it was enqueued and is not there": lambda facts: add_line(facts, "known", "bump-7", "id-bump-7"),
        "a child is not there": lambda facts: facts.jobs.pop("id-bump-parent-1x2.1") and drop_effects(
            facts, "bump-parent-1x2.1"
        ),
        "a counter is too low": lambda facts: raise_counter(facts, "bump-1", -1),
        "the job of a tick is not there": lambda facts: add_tick(facts, 2 * EVERY_SECONDS, "tick-9"),
        "a tick is missing": lambda facts: put(facts, seen("tick-3")) or add_effect(
            facts, "tick-3", "tick"
        ) or add_tick(facts, 3 * EVERY_SECONDS, "tick-3"),
        "it says that it is delivered and nothing arrived": lambda facts: facts.delivered.pop("mail-1"),
    },
    "duplicated": {
        "an effect is there twice": lambda facts: add_effect(facts, "bump-1", "bump"),
        "a step is there twice": lambda facts: add_effect(facts, "steps-1", "second"),
        "a counter is too high": lambda facts: raise_counter(facts, "bump-1", 1),
        "a key has two jobs": lambda facts: put(facts, seen("keyed-1", job="another")),
        "a key was answered with two jobs": lambda facts: put(facts, seen("value-3", job="other")) or add_line(
            facts, "known", "keyed-1", "other"
        ),
        "a tick has made two jobs": lambda facts: put(facts, seen("tick-3")) or add_effect(facts, "tick-3", "tick"),
        "two ticks have made one job": lambda facts: add_tick(facts, 2 * EVERY_SECONDS, "tick-2"),
        "there was a tick too many": lambda facts: put(facts, seen("tick-3")) or add_effect(
            facts, "tick-3", "tick"
        ) or add_tick(facts, 0.5 * EVERY_SECONDS, "tick-3"),
        "it arrived twice": lambda facts: facts.delivered["mail-1"].append("m-1"),
        "it arrived once more than was decided": lambda facts: facts.delivered["mail-3"].append("m-3"),
        "it arrived once more than was asked": lambda facts: facts.delivered["parcel-1"].append("p-1"),
        "it arrived under another key": lambda facts: facts.delivered["mail-3"].__setitem__(1, "m-4"),
        "a claim was run twice": lambda facts: add_line(facts, "begin", "bump-1", "id-bump-1", "token-bump-1"),
    },
    "reordered": {
        "it began before another was over": lambda facts: add_line(facts, "begin", "total-1x3", "id", "t") or add_line(
            facts, "over", "part-total-1x3.0", "id", "ok"
        ),
        "it began and what it waits for failed": lambda facts: add_line(facts, "begin", "doomed-1", "id-doomed-1", "t"),
        "it was claimed before another had ended": lambda facts: put(facts, seen("total-1x2", began=1)),
        "it was claimed and what it waits for failed": lambda facts: put(
            facts, seen("doomed-1", "FAILED", outcome="dependency", began=3)
        ),
    },
    "beyond_limits": {
        "three where two may": lambda facts: add_claim(facts, "limited-4", 1, 3),
        "two of one key": lambda facts: add_claim(facts, "only-3x2", 0.5, 2),
    },
    "false_reports": {
        "in doubt, and it could have asked": lambda facts: drop_effects(facts, "parcel-1") or put(
            facts, seen("parcel-1", "FAILED", outcome="in_doubt")
        ),
        "it did not wait": lambda facts: put(facts, seen("doomed-1")),
        "it was given something else": lambda facts: tell_otherwise(
            facts, "given", "total-1x2", '["part-total-1x2.1", "part-total-1x2.0"]'
        ),
        "it was given less": lambda facts: tell_otherwise(facts, "given", "total-1x2", '["part-total-1x2.0", null]'),
        "it was resumed from before the last": lambda facts: tell_otherwise(facts, "resumed", "resume-1", "0"),
        "it was resumed from what was never kept": lambda facts: tell_otherwise(facts, "resumed", "resume-1", "3"),
        "answered with a job that is not there": lambda facts: add_line(facts, "sent", "only-9x2") or add_line(
            facts, "joined", "only-9x2", "id-only-8x2"
        ),
        "answered with a job of another key": lambda facts: add_line(facts, "sent", "only-9x1") or add_line(
            facts, "joined", "only-9x1", "id-only-1x2"
        ),
        "answered with a job that had ended": lambda facts: add_line(facts, "sent", "only-9x2") or add_line(
            facts, "joined", "only-9x2", "id-only-1x2"
        ),
        "done without its effect": lambda facts: drop_effects(facts, "bump-1"),
        "done with half of its steps": lambda facts: drop_effects(facts, "steps-1") or add_effect(
            facts, "steps-1", "first"
        ),
        "failed with its effect": lambda facts: put(facts, seen("bump-1", "FAILED", outcome="cancelled")),
        "failed with a later step alone": lambda facts: drop_effects(facts, "slowsteps-1") or add_effect(
            facts, "slowsteps-1", "second"
        ),
        "failed for no reason": lambda facts: drop_effects(facts, "bump-1") or put(facts, seen("bump-1", "FAILED")),
        "crashed before its budget was spent": lambda facts: put(
            facts, seen("poison-1", "FAILED", outcome="crashed", crashes=1)
        ),
        "what can only fail is done": lambda facts: put(facts, seen("hopeless-1")),
        "it wrote outside of a step": lambda facts: add_effect(facts, "outlaw-1", "outlaw"),
        "another result": lambda facts: put(facts, seen("value-1", result="value-2")),
        "an effect under another claim": lambda facts: put(facts, seen("bump-1", token="another")),
        "an effect of nobody": lambda facts: add_effect(facts, "bump-6", "bump"),
        "a signal that is not so": lambda facts: add_line(facts, "heard", "bump-1", "id-bump-1", "FAILED"),
        "an answer that is not so": lambda facts: add_line(facts, "known", "keyed-1", "id-keyed-1", "FAILED"),
        "cancelled and done": lambda facts: facts.cancelled.add("id-bump-1"),
        "there though it was taken back": lambda facts: put(facts, seen("bump-9")) or add_effect(
            facts, "bump-9", "bump"
        ),
        "there though its parent failed": lambda facts: drop_effects(facts, "parent-1x2") or put(
            facts, seen("parent-1x2", "FAILED", outcome="cancelled")
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize(("word", "what"), [(word, what) for word, some in WRONG.items() for what in some])
def test_it_is_found_and_called_by_its_name(word, what):
    facts = world()
    WRONG[word][what](facts)
    assert getattr(judge(facts), word)


def test_what_runs_at_one_moment_is_counted():
    assert not list(crowds_of(["limited-1", "limited-2", "only-1x1", "only-2x2", *["bump-1"] * 9]))
    (crowd,) = crowds_of(["limited-1", "limited-2", "limited-3", "only-1x1"])
    assert crowd.numbers == ("limited-1", "limited-2", "limited-3")
    (crowd,) = crowds_of(["only-1x1", "only-2x1"])
    assert crowd.limit == 1


def test_what_is_active_at_one_moment_is_counted():
    assert not list(active_twice(["only-1x1", "only-2x2", "bump-1", "bump-2", "total-1x2", "total-2x2"]))
    assert list(active_twice(["only-1x1", "only-2x1", "only-3x2"])) == ["only-1x1 and only-2x1 were active at once"]


def test_who_is_retried_may_find_that_what_it_waited_for_was_pruned():
    facts = world()
    tell_otherwise(facts, "given", "total-1x2", '["part-total-1x2.0", null]')
    facts.retried["id-total-1x2"] += 1
    assert judge(facts).wrong() == []


def test_what_an_operator_retried_may_have_been_told_otherwise():
    facts = world()
    add_line(facts, "heard", "bump-1", "id-bump-1", "FAILED")
    facts.cancelled.add("id-bump-1")
    facts.retried["id-bump-1"] += 1
    assert judge(facts).wrong() == []
