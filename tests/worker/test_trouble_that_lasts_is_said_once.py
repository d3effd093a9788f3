"""A server that is away may fill a disk with warnings until it is back: each is given once, and anew after a change."""

import logging

import pytest
from django.db import OperationalError

from jobqueue.worker.loop import Loop

AWAY, FULL, WELL = "it is away", "it is full", None


@pytest.fixture
def said(caplog):
    """Give `said(*looks)`: what a loop warns of whose looks at a server come out so, one after the other."""
    caplog.set_level(logging.WARNING, logger="jobqueue.worker")

    def said(*looks):
        left = list(looks)

        def tick():
            loop.nudge()
            if not left:
                loop.stop()
            elif trouble := left.pop(0):
                raise OperationalError(trouble)
            return 0.0

        loop = Loop("server", tick)
        loop.start()
        loop.join()
        return [record.getMessage() for record in caplog.records]

    return said


def warning(trouble):
    return f"jobqueue-server: {trouble}; trying again."


def test_it_is_said_once(said):
    assert said(AWAY, AWAY, AWAY) == [warning(AWAY)]


def test_other_trouble_is_said(said):
    assert said(AWAY, FULL, FULL, AWAY) == [warning(AWAY), warning(FULL), warning(AWAY)]


def test_the_same_trouble_is_said_anew_when_it_was_well_meanwhile(said):
    assert said(AWAY, WELL, AWAY) == [warning(AWAY)] * 2


def test_a_thread_goes_on_though_trouble_cannot_even_be_told(monkeypatch):
    looks = []

    def tick():
        loop.nudge()
        looks.append(1)
        if len(looks) == 2:
            loop.stop()
            return 0.0
        raise OperationalError(AWAY)

    def fails(*_):
        raise MemoryError

    loop = Loop("server", tick)
    monkeypatch.setattr(loop._said, "warn", fails)
    loop.start()
    loop.join(10)
    assert len(looks) == 2
