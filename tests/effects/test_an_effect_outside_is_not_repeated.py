"""deliver(): an intent is committed before an effect outside the database, a receipt after it; between is in doubt."""

import json
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction

from jobqueue import NotDelivered, Retry, current_job, deliver, deliveries, lifecycle, once
from jobqueue.errors import DeliveryInDoubt, LeaseLost, WrongState
from jobqueue.models import Job, LedgerEntry
from jobqueue.worker.executor import deliver as module
from jobqueue.worker.messages import How
from tests.effects.runs import elsewhere, revoke, set_back

OUTSIDE = pytest.mark.parametrize("effects", ["steps", "unfenced"])


class Crash(BaseException):
    """The process dies here: nothing after it happens in this attempt."""


@pytest.fixture
def calls():
    return []


@pytest.fixture
def charge(calls):
    """Give the other side, which notes what it is asked for, and answers with a receipt."""

    def charge(amount=5, **options):
        calls.append(amount)
        return {"receipt": f"ch_{len(calls)}", **options}

    return charge


@pytest.fixture
def dies(stage, monkeypatch):
    """Give `dies(point, body, effects)`: an attempt whose process dies there, and whose job is rescued."""

    def dies(point, body, effects="steps"):
        def reached(name):
            if name == point:
                raise Crash

        with monkeypatch.context() as patch:
            # A process that is killed runs no handler on its way out.
            patch.setattr(module, "reached", reached)
            patch.setattr(lifecycle, "fail", lambda *_: pytest.fail("it is dead"))
            run = None
            with pytest.raises(BaseException, match="it is dead"):
                run = stage.perform(body, effects=effects)
            assert run is None
        connection.close()
        (orphan,) = lifecycle.orphans("default")
        assert lifecycle.rescue(orphan, max_crashes=3) == "READY"
        return orphan.fence.job_id

    return dies


def told(job_id):
    return [(delivery.step, delivery.state) for delivery in deliveries.of_job(job_id)]


@OUTSIDE
def test_a_receipt_is_given_to_the_next_attempt_instead_of_a_second_call(stage, charge, calls, effects):
    def fails():
        deliver("charge", charge, 7, currency="EUR")
        raise LookupError

    assert stage.perform(fails, effects=effects).error == "LookupError"
    run = stage.again(lambda: deliver("charge", charge, 8), effects=effects)
    assert calls == [7]
    assert run.how is not How.FAILED
    assert json.loads(run.value) == {"receipt": "ch_1", "currency": "EUR"}
    assert told(run.id) == [("charge", "done")]


@OUTSIDE
def test_the_intent_is_committed_before_the_call_which_is_outside_of_any_transaction(perform, effects):
    def body():
        def fn():
            assert not connection.in_atomic_block
            return elsewhere(told, current_job().id)

        return [deliver("charge", fn), told(current_job().id)]

    assert json.loads(perform(body, effects=effects).value) == [[["charge", "in doubt"]], [["charge", "done"]]]


@OUTSIDE
@pytest.mark.parametrize("point", ["deliver.before-call", "deliver.after-call"])
def test_what_a_crash_leaves_in_doubt_is_not_repeated(stage, dies, charge, calls, point, effects):
    job_id = dies(point, lambda: deliver("charge", charge, 1), effects)
    made = list(calls)
    run = stage.again(lambda: deliver("charge", charge, 2), effects=effects)
    assert calls == made
    assert (run.id, run.how, run.error) == (job_id, How.FAILED, "DeliveryInDoubt")
    assert (run.job.status, run.job.outcome, run.attempt.outcome) == ("FAILED", "in_doubt", "in_doubt")
    assert f"jobs decide {run.id}" in run.message
    assert f"{run.id}:charge" in run.message
    assert Job.objects.in_doubt().get().pk == job_id


@OUTSIDE
def test_it_is_not_retried_nor_pruned_before_somebody_has_decided(stage, dies, charge, effects):
    dies("deliver.after-call", lambda: deliver("charge", charge), effects)
    run = stage.again(lambda: deliver("charge", charge), effects=effects)
    with pytest.raises(WrongState, match="is in doubt: whether 'charge' was delivered is not known"):
        lifecycle.retry(run.id)
    assert lifecycle.prune("default", older_than=timedelta(0)) == 0
    assert (run.job.status, told(run.id)) == ("FAILED", [("charge", "in doubt")])


def test_by_the_word_done_it_goes_on_with_the_receipt_that_was_said(stage, dies, charge, calls):
    job_id = dies("deliver.after-call", lambda: deliver("charge", charge, 1))
    stage.again(lambda: deliver("charge", charge, 2), effects="steps")
    assert lifecycle.was_done(job_id, receipt={"id": "ch_0"}, by="anna") == "charge"
    assert (Job.objects.get().status, Job.objects.get().failures) == ("READY", 0)
    run = stage.again(lambda: deliver("charge", charge, 3), effects="steps")
    assert (json.loads(run.value), calls) == ({"id": "ch_0"}, [1])
    assert LedgerEntry.objects.get().value == {"receipt": {"id": "ch_0"}, "by": "anna"}


def test_by_the_word_again_it_is_delivered(stage, dies, charge, calls):
    job_id = dies("deliver.before-call", lambda: deliver("charge", charge, 1))
    stage.again(lambda: deliver("charge", charge, 2), effects="steps")
    assert lifecycle.do_again(job_id) == "charge"
    run = stage.again(lambda: deliver("charge", charge, 3), effects="steps")
    assert (json.loads(run.value), calls) == ({"receipt": "ch_1"}, [3])


@OUTSIDE
@pytest.mark.parametrize(("answer", "called"), [({"id": "ch_9"}, [1]), (None, [1, 2])])
def test_a_lookup_is_asked_with_the_key(stage, dies, charge, calls, answer, called, effects):
    asked = []

    def lookup(key):
        asked.append(key)
        return answer

    job_id = dies("deliver.after-call", lambda: deliver("charge", charge, 1, lookup=lookup), effects)
    assert told(job_id) == [("charge", "asked")]
    run = stage.again(lambda: deliver("charge", charge, 2, lookup=lookup), effects=effects)
    assert (asked, calls) == ([f"{job_id}:charge"], called)
    assert json.loads(run.value) == (answer or {"receipt": "ch_2"})
    assert (run.job.status, told(job_id)) == ("SUCCESSFUL", [("charge", "done")])


def test_a_lookup_that_raises_is_asked_again(stage, dies, charge, calls):
    def lookup(_key):
        raise ConnectionError("they are away")

    job_id = dies("deliver.after-call", lambda: deliver("charge", charge, 1, lookup=lookup))
    for _ in range(3):
        run = stage.again(lambda: deliver("charge", charge, 2, lookup=lookup), effects="steps")
    # Nobody needs to decide what the task can ask for: the job has failed as others do, and may be retried.
    assert (run.job.status, run.job.outcome, run.error) == ("FAILED", "raised", "ConnectionError")
    lifecycle.retry(job_id)
    run = stage.again(lambda: deliver("charge", charge, 3, lookup=lambda _key: "found"), effects="steps")
    assert (run.value, calls) == ('"found"', [1])


def test_a_task_that_lost_its_lookup_stops_in_doubt(stage, dies, charge, calls):
    dies("deliver.after-call", lambda: deliver("charge", charge, 1, lookup=lambda _key: None))
    run = stage.again(lambda: deliver("charge", charge, 2), effects="steps")
    assert (run.job.outcome, calls) == ("in_doubt", [1])
    assert lifecycle.do_again(run.id) == "charge"


@OUTSIDE
@pytest.mark.parametrize("error", [TimeoutError, Retry, SystemExit])
def test_an_exception_leaves_it_in_doubt_at_once(perform, effects, error):
    def fn():
        raise error("no answer")

    run = perform(lambda: deliver("charge", fn), effects=effects)
    assert (run.error, run.job.status, run.job.outcome) == ("DeliveryInDoubt", "FAILED", "in_doubt")
    assert error.__name__ in run.attempt.traceback


def test_with_a_lookup_it_is_a_failure_as_any_other_and_the_next_attempt_asks(stage):
    def fn():
        raise TimeoutError

    run = stage.perform(lambda: deliver("charge", fn, lookup=lambda _key: "found"), effects="steps")
    assert (run.error, run.job.status) == ("TimeoutError", "READY")
    assert stage.again(lambda: deliver("charge", fn, lookup=lambda _key: "found"), effects="steps").value == '"found"'


@OUTSIDE
@pytest.mark.parametrize(("error", "options"), [(NotDelivered, {}), (OSError, {"not_done": (OSError,)})])
def test_one_that_says_that_nothing_was_delivered_is_tried_again(stage, charge, calls, effects, error, options):
    def fn():
        raise error("no connection")

    run = stage.perform(lambda: deliver("charge", fn, **options), effects=effects)
    assert (run.error, run.job.status, told(run.id)) == (error.__name__, "READY", [])
    assert stage.again(lambda: deliver("charge", charge, 2), effects=effects).how == How.SETTLED
    assert calls == [2]


def test_not_delivered_may_say_when(stage):
    def fn():
        raise NotDelivered("busy", after=timedelta(hours=1))

    run = stage.perform(lambda: deliver("charge", fn), effects="steps")
    assert (run.job.due_at - run.job.started_at) > timedelta(minutes=59)


@pytest.mark.parametrize("lookup", [None, lambda _key: None])
def test_a_body_that_swallows_what_leaves_it_in_doubt_does_not_succeed(perform, lookup):
    def fn():
        raise TimeoutError

    def body():
        with pytest.raises((DeliveryInDoubt, TimeoutError)):
            deliver("charge", fn, lookup=lookup)
        return "done"

    run = perform(body, effects="steps")
    assert run.job.status == ("FAILED" if lookup is None else "READY")
    assert run.error == ("DeliveryInDoubt" if lookup is None else "RuntimeError")
    assert "swallowed" in run.message


@OUTSIDE
@pytest.mark.parametrize("loss", [lifecycle.cancel, revoke])
def test_the_receipt_of_who_is_the_owner_no_more_is_refused(perform, charge, calls, effects, loss):
    def body():
        def fn():
            elsewhere(loss, current_job().id)
            return charge()

        deliver("charge", fn)

    run = perform(body, effects=effects)
    assert (run.how, calls, told(run.id), run.attempt.refused_writes) == (How.LOST, [5], [("charge", "in doubt")], 1)


@OUTSIDE
def test_so_is_the_intent_and_nothing_is_delivered(perform, charge, calls, effects):
    def body():
        elsewhere(revoke, current_job().id)
        deliver("charge", charge)

    run = perform(body, effects=effects)
    assert (run.how, calls, told(run.id)) == (How.LOST, [], [])


def test_who_froze_behind_the_intent_delivers_nothing_when_trust_is_over(stage, charge, calls, monkeypatch):
    monkeypatch.setattr(module, "reached", lambda name: name == "deliver.before-call" and stage.distrust())
    run = stage.perform(lambda: deliver("charge", charge), effects="steps")
    assert (run.how, calls, told(run.id)) == (How.LOST, [], [("charge", "in doubt")])


def test_an_intent_that_the_database_has_forgotten_keeps_the_receipt_out(perform, charge, calls):
    def body():
        def fn():
            elsewhere(set_back, current_job().id)
            return charge()

        with pytest.raises(LeaseLost):
            deliver("charge", fn)

    run = perform(body, effects="steps")
    assert (run.how, run.job.status, calls, told(run.id)) == (How.FAILED, "FAILED", [5], [])


@pytest.mark.parametrize("end", ["crash", "time limit"])
def test_a_job_that_fails_for_good_with_an_open_delivery_is_in_doubt_whatever_ended_it(stage, dies, charge, end):
    job_id = dies("deliver.after-call", lambda: deliver("charge", charge))
    stage.claim(*(task_of(job_id), str(job_id)))
    (orphan,) = lifecycle.orphans("default")
    if end == "crash":
        assert lifecycle.rescue(orphan, max_crashes=1) == "FAILED"
    else:
        failure = lifecycle.Failure("timed_out", "jobqueue.errors.TimeLimitExceeded", "late", None)
        assert lifecycle.fail(orphan.fence, failure) == "FAILED"
    assert Job.objects.get().outcome == "in_doubt"


def task_of(job_id):
    from jobqueue.task import find

    return find(Job.objects.get(pk=job_id).task_path)


def test_an_answer_that_cannot_be_stored_counts_as_done(stage, calls):
    def fn():
        calls.append(1)
        return object()

    run = stage.perform(lambda: deliver("charge", fn), effects="steps")
    assert (run.error, run.job.outcome, told(run.id)) == ("InvalidResult", "invalid", [("charge", "done")])
    lifecycle.retry(run.id)
    run = stage.again(lambda: deliver("charge", fn), effects="steps")
    assert (run.how, run.value, calls) == (How.VALUE, None, [1])


def test_a_body_of_one_transaction_is_told_what_to_do(perform, charge, calls):
    run = perform(lambda: deliver("charge", charge))
    assert (run.error, calls) == ("RuntimeError", [])
    assert 'Use effects="steps"' in run.message


def in_a_step(charge):
    once("step", deliver, "charge", charge)


def in_a_transaction(charge):
    with transaction.atomic():
        deliver("charge", charge)


@OUTSIDE
@pytest.mark.parametrize("where", [in_a_step, in_a_transaction])
def test_in_a_transaction_it_is_refused(perform, charge, calls, effects, where):
    run = perform(lambda: where(charge), effects=effects)
    assert (run.error, calls, LedgerEntry.objects.count()) == ("RuntimeError", [], 0)


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        (("",), {}, "ValueError"),
        (("charge",), {"lookup": 7}, "TypeError"),
        (("charge",), {"not_done": [OSError]}, "TypeError"),
    ],
)
def test_nonsense_delivers_nothing(perform, charge, calls, arguments, options, error):
    run = perform(lambda: deliver(*arguments, charge, **options), effects="steps")
    assert (run.error, calls, LedgerEntry.objects.count()) == (error, [], 0)


def test_a_coroutine_that_nobody_awaits_was_not_delivered(perform):
    async def fn():
        raise AssertionError

    run = perform(lambda: deliver("charge", fn), effects="steps")
    assert (run.error, LedgerEntry.objects.count()) == ("TypeError", 0)


def test_options_that_are_meant_for_the_function_go_by_a_partial(perform):
    run = perform(lambda: deliver("find", partial(dict, lookup=1), not_done=(OSError,)), effects="steps")
    assert json.loads(run.value) == {"lookup": 1}


def test_a_name_is_used_once_in_an_attempt(perform, charge, calls):
    def body():
        deliver("charge", charge)
        once("charge", charge)

    run = perform(body, effects="steps")
    assert (run.error, calls) == ("ValueError", [5])


def test_it_goes_with_the_job(perform, charge):
    perform(lambda: deliver("charge", charge), effects="steps")
    assert lifecycle.prune("default", older_than=timedelta(0)) == 1
    assert not LedgerEntry.objects.exists()
