"""How far ahead: a tenth of a second of work, and nothing behind a long job."""

from __future__ import annotations

from jobqueue.worker.pace import Pace


def test_the_first_job_comes_alone() -> None:
    assert Pace().window() == 1


def test_short_jobs_open_the_window_and_a_long_one_closes_it() -> None:
    pace = Pace()
    for _ in range(50):
        pace.note(0.0002)
    assert pace.window() > 200
    pace.note(5)
    assert pace.window() == 1


def test_one_long_job_among_many_short_ones_is_forgotten_soon() -> None:
    pace = Pace()
    pace.note(3600)
    for _ in range(30):
        pace.note(0.001)
    assert pace.window() > 10
