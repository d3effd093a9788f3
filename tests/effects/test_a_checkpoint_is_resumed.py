"""checkpoint(): a state is committed under the fence, and every later attempt of the job resumes from it."""

import json
from datetime import timedelta

import pytest
from django.db import transaction

from jobqueue import current_job, lifecycle, once
from jobqueue.ledger import checkpoint_scope
from jobqueue.models import Job, LedgerEntry
from jobqueue.worker.messages import How
from tests.app.models import Entry
from tests.effects.runs import elsewhere, revoke, set_back
from tests.security.rows import write

OUTSIDE = pytest.mark.parametrize("effects", ["steps", "unfenced"])
ALL = pytest.mark.parametrize("effects", ["atomic", "steps", "unfenced"])


def states():
    return list(LedgerEntry.objects.values_list("value", flat=True))


def resumed():
    return current_job().resumed


def fails_after(*kept):
    def body():
        for state in kept:
            current_job().checkpoint(state)
        raise LookupError

    return body


@ALL
def test_without_a_checkpoint_there_is_nothing_to_resume(perform, effects):
    run = perform(lambda: resumed() is None, effects=effects)
    assert run.value == "true"


@OUTSIDE
@pytest.mark.parametrize("state", [7, "ü", [1, {"a": None}], False, 0, "", {"row": 3}])
def test_the_next_attempt_gets_the_state(stage, effects, state):
    assert stage.perform(fails_after("first", state), effects=effects).error == "LookupError"
    run = stage.again(resumed, effects=effects)
    assert json.loads(run.value) == state


@OUTSIDE
def test_so_does_one_after_an_operators_retry_and_after_crashes(stage, effects):
    for number in range(3):
        run = (stage.again if number else stage.perform)(fails_after(number), effects=effects)
    assert run.job.status == "FAILED"
    lifecycle.retry(run.id)
    assert stage.again(resumed, effects=effects).value == "2"


@OUTSIDE
def test_this_attempt_sees_what_it_has_kept_and_none_forgets(perform, effects):
    def body():
        current_job().checkpoint([1])
        seen = [resumed()]
        current_job().checkpoint(None)
        return [*seen, resumed()]

    run = perform(body, effects=effects)
    assert (run.how, json.loads(run.value)) == (How.SETTLED, [[1], None])


@OUTSIDE
@pytest.mark.parametrize("loss", [lifecycle.cancel, revoke])
def test_who_is_the_owner_no_more_keeps_nothing(perform, effects, loss):
    def body():
        current_job().checkpoint("ours")
        elsewhere(loss, current_job().id)
        current_job().checkpoint("late")

    run = perform(body, effects=effects)
    assert (run.how, states(), run.attempt.refused_writes) == (How.LOST, ["ours"], 1)


@OUTSIDE
def test_when_trust_is_over_nothing_is_kept(stage, effects):
    def body():
        stage.distrust()
        current_job().checkpoint("late")

    run = stage.perform(body, effects=effects)
    assert (run.how, states()) == (How.LOST, [])


@OUTSIDE
def test_a_checkpoint_that_the_database_has_forgotten_keeps_the_job_from_its_end(perform, effects):
    def body():
        current_job().checkpoint(1)
        elsewhere(set_back, current_job().id)

    run = perform(body, effects=effects)
    assert (run.how, run.job.status) == (How.LOST, "RUNNING")


@OUTSIDE
def test_in_a_step_it_is_a_part_of_the_step(stage, effects):
    def step(state, *, fails):
        current_job().checkpoint(state)
        Entry.objects.create(note=str(state))
        if fails:
            raise LookupError

    def body():
        once("one", step, 1, fails=False)
        once("two", step, 2, fails=True)

    assert stage.perform(body, effects=effects).error == "LookupError"
    assert [entry.note for entry in Entry.objects.all()] == ["1"]
    assert stage.again(resumed, effects=effects).value == "1"


@pytest.mark.parametrize("inside", [False, True])
def test_a_body_of_one_transaction_is_told_what_to_do(perform, inside):
    def body():
        if inside:
            once("step", current_job().checkpoint, 1)
        current_job().checkpoint(1)

    run = perform(body, effects="atomic")
    assert (run.error, states()) == ("RuntimeError", [])
    assert 'Use effects="steps"' in run.message


@OUTSIDE
def test_in_a_transaction_of_the_body_it_is_refused(perform, effects):
    def body():
        with transaction.atomic():
            current_job().checkpoint(1)

    run = perform(body, effects=effects)
    assert (run.error, states()) == ("RuntimeError", [])
    assert "call it outside" in run.message


@OUTSIDE
@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (object(), "InvalidResult", "checkpoint() was given object, which cannot be stored as JSON"),
        (float("nan"), "InvalidResult", "cannot be stored as JSON"),
        ("x" * 300_000, "ResultTooLarge", "MAX_RESULT_BYTES"),
    ],
)
def test_a_state_that_cannot_be_stored_is_refused(perform, effects, state, error, message):
    run = perform(lambda: current_job().checkpoint(state), effects=effects)
    assert (run.error, run.job.outcome, states()) == (error, "invalid", [])
    assert message in run.message


def test_a_state_that_somebody_else_has_written_is_not_believed(stage):
    run = stage.perform(fails_after(1), effects="steps")
    entry = LedgerEntry.objects.get(scope=checkpoint_scope(run.id))
    if not write(LedgerEntry, entry.pk, value=f"{'[' * 40}{']' * 40}"):
        pytest.skip("this database does not let it in")
    run = stage.again(resumed, effects="steps")
    assert (run.error, run.job.status) == ("InvalidRow", "FAILED")


def test_it_goes_with_the_job(perform):
    run = perform(lambda: current_job().checkpoint(1), effects="steps")
    assert states() == [1]
    assert lifecycle.prune("default", older_than=timedelta(0)) == 1
    assert (states(), Job.objects.filter(pk=run.id).exists()) == ([], False)
