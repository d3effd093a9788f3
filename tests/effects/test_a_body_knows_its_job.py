"""current_job(): who am I, am I still the owner, under which key do others know this effect, how far am I."""

import threading

import pytest
from django.db import connection

from jobqueue import current_job, lifecycle, once
from jobqueue.errors import NoCurrentJob
from jobqueue.worker.messages import How
from tests import rows
from tests.app.models import Entry
from tests.effects.runs import elsewhere

ALL = pytest.mark.parametrize("effects", ["atomic", "steps", "unfenced"])


def test_outside_of_a_body_there_is_none(stage):
    for ask in (current_job, lambda: once("step", int)):
        with pytest.raises(NoCurrentJob, match="only in the body"):
            ask()
    stage.perform(lambda: None)
    with pytest.raises(NoCurrentJob):
        current_job()
    stage.perform(lambda: 1 / 0)
    with pytest.raises(NoCurrentJob):
        current_job()


def test_nor_is_there_one_in_a_thread_of_the_bodys_own(perform):
    def asks():
        with pytest.raises(NoCurrentJob):
            current_job()
        return True

    assert perform(lambda: elsewhere(asks)).value == "true"


@ALL
def test_it_says_which_job_and_attempt_this_is(stage, effects):
    seen = []

    def body():
        seen.append((current_job().id, current_job().attempt, current_job().idempotency_key("charge")))
        raise LookupError

    run = stage.perform(body, effects=effects)
    stage.again(body, effects=effects)

    assert [(job_id, attempt) for job_id, attempt, _ in seen] == [(run.id, 1), (run.id, 2)]


def test_a_key_for_others_is_the_same_in_every_attempt_and_for_no_other_job(stage):
    keys = []

    def body():
        job = current_job()
        keys.append([job.idempotency_key(), job.idempotency_key("charge"), job.idempotency_key("mail")])
        raise LookupError

    stage.perform(body)
    stage.again(body)
    stage.perform(body)

    first, second, other = keys
    assert first == second
    assert len({*first, *other}) == 6


@ALL
def test_when_trust_is_over_it_says_so(stage, effects):
    def body():
        current_job().ensure_held()
        stage.distrust()
        current_job().ensure_held()

    run = stage.perform(body, effects=effects)
    # Nothing is written about a job that may be another's.
    assert (run.how, run.job.status, run.job.failures) == (How.LOST, "RUNNING", 0)


def test_trust_that_ends_in_the_middle_undoes_nothing_that_the_database_grants(stage):
    """The clock may only say stop; who the owner is, the database knows."""

    def body():
        Entry.objects.create(note="written")
        stage.distrust()

    assert stage.perform(body).how == How.SETTLED


def test_progress_is_told_a_few_times_a_second_and_at_the_end(stage):
    def body():
        for done in range(1, 1001):
            current_job().progress(done, 1000, f"row {done}")

    stage.perform(body)
    first, *_, last = stage.told
    assert len(stage.told) < 20
    assert (first.state, last.state) == (
        {"done": 1, "total": 1000, "note": "row 1"},
        {"done": 1000, "total": 1000, "note": "row 1000"},
    )


def test_progress_takes_no_total_and_any_note(stage):
    def body():
        current_job().progress(0.5, note="a\0b\ud800" + "x" * 500)

    run = stage.perform(body)
    (told,) = stage.told
    assert (told.job_id, told.state["done"], told.state["total"]) == (run.id, 0.5, None)
    assert told.state["note"][:4].encode() == "a\N{REPLACEMENT CHARACTER}b?".encode()
    assert len(told.state["note"]) == 200


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), "half", None, object()])
def test_progress_that_is_no_number_is_refused(stage, bad):
    """The worker writes it down with that of all its other jobs."""
    run = stage.perform(lambda: current_job().progress(bad, 10))
    assert (run.how, run.error, stage.told) == (How.FAILED, "ValueError", [])


def test_progress_may_be_reported_by_a_thread_that_was_given_the_job(stage):
    def body():
        thread = threading.Thread(target=current_job().progress, args=(1, 2))
        thread.start()
        thread.join()

    stage.perform(body)
    assert [told.state["done"] for told in stage.told] == [1]


@ALL
def test_it_is_handed_on_what_those_returned_for_which_it_has_waited(stage, effects):
    """In the order in which they were named, and asked for once."""
    found = []

    def body():
        found.append(current_job().results)
        assert current_job().results is found[-1]

    first, second = rows.claimed(), rows.claimed()
    lifecycle.settle(connection, [(first.fence, '["first"]'), (second.fence, '{"second": 2}')])
    run = stage.perform(body, effects=effects, after=[second.job_id, first.job_id])
    assert run.job.outcome in ("ok", ""), run.message
    assert found == [[{"second": 2}, ["first"]]]
    stage.perform(body, effects=effects)
    assert found[1] == []
