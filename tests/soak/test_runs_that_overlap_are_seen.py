"""Overlap is what two bodies of one job have shown of themselves, and nothing that was concluded."""

import pytest

from tests.soak.history import Line
from tests.soak.overlap import overlaps, runs, side_by_side, woken


def body(pid, *moments, number="slow-1", thread=0):
    """Return what a body says that was alive at these moments; None for the last says that it never came to its end."""
    *alive, last = moments
    words = ["begin", *["sign"] * (len(alive) - 1)]
    lines = [Line(word, pid, at, number, "id", "", thread) for word, at in zip(words, alive, strict=True)]
    return lines if last is None else [*lines, Line("over", pid, last, number, "id", "ok", thread)]


def found(*bodies):
    return [(round(o.seconds, 3), o.thawed) for o in overlaps(runs(line for lines in bodies for line in lines))]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param((1, 1.1, 2), (3, 3.1, 4), [], id="one after the other"),
        pytest.param((1, 1.1, None), (1.2, 1.3, 2), [], id="the first was killed"),
        pytest.param((1, 1.4, 1.8, 2.0), (1.5, 1.6, 3), [(0.5, False)], id="the first went on"),
        pytest.param((1, 1.1, 2.5, 2.6), (2, 2.1, 3), [(0.6, True)], id="the first was frozen, and woke up"),
        pytest.param((1, 1.1, 5, 5.1), (2, 2.1, 3), [], id="it woke up when the other was over"),
        pytest.param((1, 1.1, 2.0), (1.5, None), [], id="the second was killed at once"),
    ],
)
def test_two_runs(first, second, expected):
    assert found(body(10, *first), body(20, *second)) == expected
    assert found(body(20, *second), body(10, *first)) == expected, "whoever is read first"


def test_runs_of_two_jobs_do_not_overlap():
    assert found(body(10, 1, 1.4, 2), body(20, 1.5, 1.6, 3, number="slow-2")) == []


def test_a_process_runs_one_body_after_the_other():
    assert found(body(10, 1, 1.1, None) + body(10, 2, 2.1, 3)) == []


def test_bodies_that_woke_up_are_counted():
    assert woken(runs(body(10, 1, 1.1, 4, 4.1) + body(10, 5, 5.1, 5.2)), lease=2.0) == 1


def test_two_threads_of_a_process_may_overlap():
    both = body(10, 1, 1.4, 1.8, 2.0, thread=1), body(10, 1.5, 1.6, 3, thread=2)
    assert found(*both) == [(0.5, False)]


def test_jobs_that_take_turns_in_a_thread_are_told_apart():
    one, two = body(10, 1, 1.2, 2), body(10, 1.1, 1.3, 3, number="slow-2")
    mixed = sorted([*one, *two], key=lambda line: line.at)
    assert [run.seen for run in runs(mixed)] == [[1, 1.2, 2], [1.1, 1.3, 3]]


def test_jobs_that_share_a_process_are_counted():
    some = body(10, 1, 1.2, 2) + body(10, 1.1, 1.3, 3, number="slow-2") + body(20, 1.1, 2, number="slow-3")
    assert side_by_side(runs(some)) == 1
    assert side_by_side(runs(body(10, 1, 2) + body(10, 2.5, 3, number="slow-2"))) == 0
