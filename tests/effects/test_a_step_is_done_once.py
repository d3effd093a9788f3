"""once(): a step and its ledger entry are one transaction; whoever comes later gets its value, not a second run. S1."""

import json

import pytest
from django.db import IntegrityError, connection, transaction

from jobqueue import current_job, lifecycle, once
from jobqueue.errors import LeaseLost
from jobqueue.models import LedgerEntry
from jobqueue.worker.messages import How
from tests.app.models import Counter, Entry
from tests.effects.runs import elsewhere, revoke, set_back

OUTSIDE = pytest.mark.parametrize("effects", ["steps", "unfenced"])
ALL = pytest.mark.parametrize("effects", ["atomic", "steps", "unfenced"])


def add(name, value=None):
    Entry.objects.create(note=name)
    return value


def notes():
    return list(Entry.objects.order_by("pk").values_list("note", flat=True))


@pytest.fixture
def twice(stage):
    """Give `twice(first, second, effects)`: an attempt that fails after its body, and one with another body."""

    def twice(first, second, effects):
        def fails():
            first()
            raise LookupError

        assert stage.perform(fails, effects=effects).error == "LookupError"
        return stage.again(second, effects=effects)

    return twice


@OUTSIDE
@pytest.mark.parametrize("value", [None, 7, "ü", [1, {"a": None}], False, 0, ""])
def test_a_step_that_was_done_is_not_done_again(twice, effects, value):
    def first():
        once("one", add, "one", value=value)

    def second():
        return [once("one", add, "one", value="another"), once("two", add, "two", value=2)]

    run = twice(first, second, effects)

    assert json.loads(run.value) == [value, 2]
    assert notes() == ["one", "two"]


@OUTSIDE
def test_a_step_that_raised_leaves_nothing_and_may_be_tried_again(perform, effects):
    def fails():
        add("half")
        raise LookupError

    def body():
        with pytest.raises(LookupError):
            once("step", fails)
        assert (notes(), LedgerEntry.objects.count()) == ([], 0)
        return once("step", add, "whole", value="done")

    run = perform(body, effects=effects)
    assert (run.value, notes()) == ('"done"', ["whole"])


def test_in_one_transaction_a_step_is_undone_with_it(twice):
    """There it is but a name for a part of the body; what it did is not there for the next attempt to find."""
    run = twice(lambda: once("step", add, "step"), lambda: once("step", add, "step", value=2), "atomic")
    assert (run.result.return_value, notes()) == (2, ["step"])


@OUTSIDE
@pytest.mark.parametrize("loss", [lifecycle.cancel, revoke])
def test_a_step_of_a_job_that_is_anothers_is_refused(perform, effects, loss):
    def body():
        once("before", add, "before")
        elsewhere(loss, current_job().id)
        once("after", add, "after")

    run = perform(body, effects=effects)

    assert (run.how, notes()) == (How.LOST, ["before"])
    assert LedgerEntry.objects.get().key == "before"
    assert run.attempt.refused_writes == 1


@OUTSIDE
def test_a_body_that_swallows_the_refusal_is_refused_again(perform, effects):
    def body():
        elsewhere(revoke, current_job().id)
        for name in ("one", "two"):
            with pytest.raises(Exception, match="no longer this worker's"):
                once(name, add, name)
        return "done"

    run = perform(body, effects=effects)
    assert (notes(), LedgerEntry.objects.count()) == ([], 0)
    assert lifecycle.settle(connection, [(run.claim.fence, run.value)]) == set()


@OUTSIDE
@pytest.mark.parametrize("goes_on", [False, True])
def test_steps_that_the_database_has_forgotten_keep_the_job_from_its_end(perform, effects, goes_on):
    def body():
        once("one", add, "one")
        elsewhere(set_back, current_job().id)
        if goes_on:
            with pytest.raises(LeaseLost, match="no longer this worker's"):
                once("two", add, "two")
        return "done"

    run = perform(body, effects=effects)
    assert (run.how, run.job.status, notes()) == (How.LOST, "RUNNING", [])


@ALL
def test_when_trust_is_over_a_step_does_not_begin(stage, effects):
    def body():
        stage.distrust()
        once("step", add, "step")

    run = stage.perform(body, effects=effects)
    assert (run.how, run.job.status, notes()) == (How.LOST, "RUNNING", [])


@OUTSIDE
def test_an_error_that_a_step_swallows_commits_nothing_of_it(perform, effects):
    Counter.objects.create(name="taken")

    def swallows():
        add("half")
        with pytest.raises(IntegrityError):
            Counter.objects.create(name="taken")

    run = perform(lambda: once("step", swallows), effects=effects)
    assert (run.how, notes(), LedgerEntry.objects.count()) == (How.FAILED, [], 0)


@ALL
def test_a_value_is_given_as_the_next_attempt_would_see_it(perform, effects):
    run = perform(lambda: once("step", lambda: (1, {2: 3})) == [1, {"2": 3}], effects=effects)
    assert run.value == "true" or run.result.return_value is True


@ALL
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (object(), "InvalidResult", "cannot be stored as JSON"),
        (float("nan"), "InvalidResult", "cannot be stored as JSON"),
        ("x" * 300_000, "ResultTooLarge", "MAX_RESULT_BYTES"),
    ],
)
def test_a_value_that_cannot_be_stored_undoes_the_step(perform, effects, value, error, message):
    run = perform(lambda: once("step", add, "step", value=value), effects=effects)
    assert (run.how, run.error, run.job.status, run.job.outcome) == (How.FAILED, error, "FAILED", "invalid")
    assert message in run.message
    assert (notes(), LedgerEntry.objects.count()) == ([], 0)


@ALL
def test_a_name_is_used_once_in_an_attempt(perform, effects):
    def body():
        once("step", add, "first")
        once("step", add, "second")

    run = perform(body, effects=effects)
    assert (run.how, run.error) == (How.FAILED, "ValueError")
    assert "'step' was done in this attempt already" in run.message
    assert "second" not in notes()


@OUTSIDE
def test_also_by_an_attempt_that_found_it_done(twice, effects):
    run = twice(lambda: once("step", add, "1"), lambda: [once("step", add, "2"), once("step", add, "3")], effects)
    assert (run.error, notes()) == ("ValueError", ["1"])


@OUTSIDE
def test_names_are_different_when_any_character_is(perform, effects):
    names = ["a", "A", "ä", "a ", "á", "ａ", "x" * 255]
    run = perform(lambda: [once(name, add, "step", value=name) for name in names], effects=effects)
    assert json.loads(run.value) == names
    assert len(notes()) == len(names)


@ALL
@pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", 7, None])
def test_a_bad_name_is_refused_before_anything_happens(perform, effects, name):
    run = perform(lambda: once(name, add, "step"), effects=effects)
    assert (run.error, notes()) == ("ValueError", [])


@ALL
def test_a_step_in_a_step_is_refused(perform, effects):
    run = perform(lambda: once("outer", lambda: [add("outer"), once("inner", add, "inner")]), effects=effects)
    assert (run.how, run.error) == (How.FAILED, "RuntimeError")
    assert "one after the other" in run.message
    assert notes() == []


@OUTSIDE
def test_a_step_in_a_transaction_of_the_body_is_refused(perform, effects):
    def body():
        with transaction.atomic():
            once("step", add, "step")

    run = perform(body, effects=effects)
    assert (run.how, run.error, notes()) == (How.FAILED, "RuntimeError", [])
    assert "call it outside" in run.message


def test_two_jobs_have_steps_of_the_same_name(perform):
    for _ in range(2):
        assert perform(lambda: once("step", add, "step", value=1), effects="steps").value == "1"
    assert notes() == ["step", "step"]
