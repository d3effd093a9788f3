"""A server with a full disk that took what a body wrote, but not its fence: the job is handed back, uncharged."""

import pytest
from django.db import DatabaseError, OperationalError, connection

from jobqueue import lifecycle, once
from jobqueue.worker.messages import How
from tests.app.models import Entry


class Refusal(Exception):
    """What a driver raises. It names the error by the first of its arguments, or by its SQLSTATE."""


def refusal(code):
    error = OperationalError("no room")
    error.__cause__ = Refusal(code)
    error.__cause__.sqlstate = code if connection.vendor == "postgresql" else None
    return error


FULL = {"postgresql": ["53100"], "mysql": [1114, 1021], "sqlite": ["database or disk is full"]}
OTHER = {"postgresql": "57014", "mysql": 1969, "sqlite": "disk I/O error"}


@pytest.fixture
def answer(monkeypatch):
    """Give `answer(code)`: from now on fences are answered with that error."""

    def answer(code):
        def fence(*_args, **_options):
            raise refusal(code)

        for name in ("succeed", "hold"):
            monkeypatch.setattr(lifecycle, name, fence)

    return answer


def write():
    Entry.objects.create(note="written")


def step():
    once("step", write)


@pytest.mark.parametrize("code", FULL[connection.vendor])
@pytest.mark.parametrize(("body", "effects"), [(write, "atomic"), (step, "steps")])
def test_a_fence_without_room_hands_the_job_back(stage, answer, body, effects, code):
    answer(code)
    run = stage.perform(body, effects=effects)
    assert (run.how, run.job.status, run.job.failures) == (How.NO_ROOM, "RUNNING", 0)
    assert not Entry.objects.exists()


def test_another_error_of_the_fence_is_a_failure(stage, answer):
    answer(OTHER[connection.vendor])
    run = stage.perform(write)
    assert (run.how, run.job.failures, run.error) == (How.FAILED, 1, "OperationalError")
    assert not Entry.objects.exists()


def test_a_body_that_finds_no_room_has_failed(stage):
    def body():
        raise DatabaseError("no room") from refusal(FULL[connection.vendor][0]).__cause__

    run = stage.perform(body)
    assert (run.how, run.job.failures) == (How.FAILED, 1)
