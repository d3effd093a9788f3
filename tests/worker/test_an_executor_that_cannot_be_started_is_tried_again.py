"""The fork server dies in the middle of a start, or the system has no more processes: the worker lives on and waits."""

import pytest

from jobqueue.worker import crew
from tests.waiting import wait_until
from tests.worker.parts import Dummy, trust


@pytest.mark.parametrize("error", [EOFError("unexpected EOF"), BrokenPipeError(), BlockingIOError(11, "no more")])
def test_in_a_moment(monkeypatch, error):
    starts = []

    def start(*_):
        starts.append(1)
        if len(starts) == 1:
            raise error
        return Dummy()

    monkeypatch.setattr(crew, "Executor", start)
    few = crew.Crew(1, trust=trust(), backend="default", worker_id="w-1")
    few.fill()
    assert (len(starts), few.all()) == (1, [])
    wait_until(lambda: few.fill() or len(few.all()) == 1)
    assert len(starts) == 2


def test_however_long_it_takes(monkeypatch):
    def start(*_):
        raise BlockingIOError(11, "no more")

    monkeypatch.setattr(crew, "Executor", start)
    few = crew.Crew(1, trust=trust(), backend="default", worker_id="w-1")
    few._short_lives = 5000
    few.fill()
    assert few._short_lives == 5001
