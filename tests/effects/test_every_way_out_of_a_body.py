"""However a body ends, its executor lives on, and what cannot be stored says why."""

import logging

import pytest

from jobqueue.worker.messages import How
from tests.app.models import Entry

ALL = pytest.mark.parametrize("effects", ["atomic", "steps", "unfenced"])


class OwnError(Exception):
    """Says nothing of use."""

    def __str__(self):
        raise RuntimeError("not even its own message")


def exits():
    raise SystemExit("bye")


def is_interrupted():
    raise KeyboardInterrupt


def stops_a_generator():
    raise GeneratorExit


def never_ends_to_call_itself():
    return never_ends_to_call_itself()


def has_no_message():
    raise OwnError


def is_chained():
    try:
        {}["first"]
    except LookupError as error:
        raise ValueError("second") from error


@ALL
@pytest.mark.parametrize(
    ("ends", "path"),
    [
        (exits, "builtins.SystemExit"),
        (is_interrupted, "builtins.KeyboardInterrupt"),
        (stops_a_generator, "builtins.GeneratorExit"),
        (never_ends_to_call_itself, "builtins.RecursionError"),
        (has_no_message, f"{__name__}.OwnError"),
        (is_chained, "builtins.ValueError"),
    ],
)
def test_it_is_recorded_with_its_class_and_the_next_job_runs(perform, effects, ends, path):
    run = perform(ends, effects=effects)

    assert (run.how, run.job.status, run.job.outcome) == (How.FAILED, "READY", "raised")
    (error,) = run.result.errors
    assert error.exception_class_path == path
    assert ends.__name__ in error.traceback
    assert perform(lambda: "well", effects=effects).value == '"well"'


def test_any_message_can_be_stored(perform, monkeypatch):
    """Also one that databases refuse, and the tools of this suite: it must not be logged here."""
    monkeypatch.setattr(logging.getLogger("jobqueue.worker"), "disabled", True)

    def body():
        raise ValueError("NUL \0, half a pair \ud800, an emoji 🐌")

    run = perform(body)
    assert (run.how, run.error) == (How.FAILED, "ValueError")
    assert run.message.endswith("NUL \N{REPLACEMENT CHARACTER}, half a pair ?, an emoji 🐌")


def test_a_traceback_begins_in_the_task_and_is_bounded(perform):
    def fails():
        raise ValueError("x" * 100_000)

    traceback = perform(fails).attempt.traceback
    assert len(traceback) < 70_000
    assert "characters left out" in traceback
    assert "perform.py" not in perform(is_chained).attempt.traceback


@ALL
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (object(), "InvalidResult", "returned object, which cannot be stored as JSON"),
        ({1, 2}, "InvalidResult", "returned set, which cannot be stored as JSON"),
        (b"bytes", "InvalidResult", "returned bytes, which cannot be stored as JSON"),
        (float("inf"), "InvalidResult", "returned float, which cannot be stored as JSON"),
        ("\0", "InvalidResult", "NUL"),
        ("\ud800", "InvalidResult", "Unicode"),
        ("x" * 262_145, "ResultTooLarge", "262,147 bytes as JSON and the limit is 262,144"),
    ],
)
def test_a_value_that_cannot_be_stored_fails_for_good_and_undoes_the_body(perform, effects, value, error, message):
    def body():
        if effects == "atomic":
            Entry.objects.create(note="written")
        return value

    run = perform(body, effects=effects)
    job = run.job

    assert (run.how, job.status, job.outcome) == (How.FAILED, "FAILED", "invalid")
    assert (run.error, message in run.message) == (error, True)
    assert not Entry.objects.exists()


def test_a_value_just_small_enough_is_stored(perform):
    text = "ü" * 131_071
    run = perform(lambda: Entry.objects.count() or text)
    assert run.result.return_value == text
