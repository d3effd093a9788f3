"""A defence counts as needed when something shows that it was, and not otherwise."""

import pytest

from tests.soak.claims import Claim
from tests.soak.facts import Facts, Seen
from tests.soak.history import Line
from tests.soak.overlap import runs
from tests.soak.sometimes import seen, ticked


def job(number, status="SUCCESSFUL", *, outcome="ok", crashes=0):
    return Seen(f"id-{number}", number, status, outcome, 1, "t", crashes, "w", "", None)


def needed(*jobs, lines=(), claims=()):
    facts = Facts(jobs={job.id: job for job in jobs}, effects=[], counters={}, lines=lines, claims=claims)
    found = seen(facts, runs(lines), {}, 2.0)
    return {name for name, times in found.items() if times}


def said(what, number, note):
    return Line(what, 1, 1.0, number, f"id-{number}", note)


@pytest.mark.parametrize(
    ("what", "lines", "others"),
    [
        ("a lookup told that it was delivered", said("asked", "parcel-1", "there"), "a lookup told that it was not"),
        ("a lookup told that it was not", said("asked", "parcel-1", "nothing"), "a lookup told that it was delivered"),
        ("a checkpoint was resumed", said("resumed", "resume-1", "2"), "a body gave up its turn"),
        ("a body gave up its turn", said("over", "resume-1", "HandBack"), "a checkpoint was resumed"),
        ("a call was answered with the active job", said("joined", "only-1x1", ""), "an enqueue was taken back"),
    ],
)
def test_words_tell(what, lines, others):
    assert what in needed(lines=[lines])
    assert others not in needed(lines=[lines])


def test_a_state_of_none_is_no_checkpoint():
    assert not needed(lines=[said("resumed", "resume-1", "0")])


@pytest.mark.parametrize(("outcome", "expected"), [("lost", True), ("crashed", True), ("ok", False), ("raised", False)])
def test_a_rescue_frees_a_slot(outcome, expected):
    claim = Claim("limited-1", "t", 1.0, 2.0, outcome)
    assert ("a slot was freed by a rescue" in needed(claims=[claim])) == expected
    assert "a slot was freed by a rescue" not in needed(claims=[claim._replace(number="only-1x1")])


@pytest.mark.parametrize(("crashes", "expected"), [(1, True), (0, False)])
def test_a_rescued_job_opens_a_gate(crashes, expected):
    earlier = job("part-total-1x1.0", crashes=crashes)
    what = "a job that waited was opened by one that was rescued"
    assert (what in needed(earlier, job("total-1x1"))) == expected
    assert what not in needed(earlier, job("total-1x1", "FAILED", outcome="cancelled"))


def test_a_job_that_ended_with_another_counts():
    assert "a job ended with the one that it waited for" in needed(job("doomed-1", "FAILED", outcome="dependency"))


def test_ticks_of_different_workers_are_told_by_their_logs(tmp_path):
    ticks = {"worker-0-0.log": [1, 2, 5], "worker-1-0.log": [3, 4], "worker-2-0.log": []}
    for name, seconds in ticks.items():
        lines = [f"2026-11-29 12:00:0{s},000 7 INFO jobqueue.worker: Schedule soak ticked: job {s}.\n" for s in seconds]
        (tmp_path / name).write_text(
            "2026-11-29 12:00:00,000 7 INFO jobqueue.worker: Worker started.\n" + "".join(lines)
        )
    assert ticked(sorted(tmp_path.iterdir())) == 2
