"""using(after=…): a job is not claimed before all that it names have succeeded, and ends with what has failed."""

import sys
import uuid
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.tasks import task_backends
from django.tasks.exceptions import InvalidTask, TaskResultDoesNotExist
from django.utils import timezone

from jobqueue import call, chain, group, lifecycle, results
from jobqueue.errors import UnknownDependency
from jobqueue.models import Attempt, Dependency, Gate, Job
from tests import rows
from tests.app.tasks import boom, echo

# The function of that name hides its module.
judging = sys.modules["jobqueue.lifecycle.judge"]

pytestmark = pytest.mark.django_db


def waits(*after, task=echo, **using):
    return task.using(after=after, **using).enqueue(0)


def succeed(result, value='"done"'):
    (claim,) = [one for one in rows.claim(limit=50) if str(one.job_id) == result.id]
    lifecycle.succeed(connection, claim.fence, value)
    return claim.job_id


def fail(result):
    (claim,) = [one for one in rows.claim(limit=50) if str(one.job_id) == result.id]
    lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    return claim.job_id


def row(result):
    return rows.job(result.id)


def claimable():
    return {str(one.job_id) for one in rows.claim(limit=50)}


def test_it_is_claimed_once_all_have_succeeded_and_not_before():
    first, second = echo.enqueue(1), echo.enqueue(2)
    third = waits(first, second)
    assert (row(third).status, row(third).gate) == ("READY", "after")
    for claim in rows.claim(limit=50):
        assert str(claim.job_id) != third.id
        lifecycle.succeed(connection, claim.fence, None)
        if str(claim.job_id) == first.id:
            assert lifecycle.follow([claim.job_id]).opened == {}
            assert row(third).gate == "after"
    rows.let_time_pass()
    before = timezone.now()
    judged = lifecycle.follow([uuid.UUID(second.id)])
    assert judged.opened == {uuid.UUID(third.id): ("default", "default")}
    assert row(third).gate == Gate.OPEN
    # It is due from now on, behind what was due before.
    assert abs(row(third).due_at - before) < timedelta(seconds=5)
    assert row(third).due_at > row(third).enqueued_at
    assert claimable() == {third.id}


def test_whoever_comes_second_changes_nothing():
    first = echo.enqueue(1)
    second = waits(first)
    done = [succeed(first)]
    assert lifecycle.follow(done).opened
    before = rows.everything(second.id)
    assert lifecycle.follow(done) == lifecycle.judge([uuid.UUID(second.id)]) == ({}, {})
    assert lifecycle.sweep("default", beyond=None)[0] == ({}, {})
    assert rows.everything(second.id) == before


def test_what_has_succeeded_already_is_not_waited_for():
    first = echo.enqueue(1)
    succeed(first)
    second = waits(first)
    assert row(second).gate == Gate.OPEN
    assert claimable() == {second.id}


def test_an_empty_list_is_no_gate():
    second = waits()
    assert row(second).gate == Gate.OPEN
    assert not Dependency.objects.exists()


def test_results_and_ids_and_one_alone_may_be_given():
    first = echo.enqueue(1)
    for after in (first, first.id, uuid.UUID(first.id), [first.id], (one for one in [first])):
        second = echo.using(after=after).enqueue(2)
        assert [str(it.after_id) for it in Dependency.objects.filter(job_id=second.id)] == [first.id]


def test_one_that_is_named_twice_is_waited_for_once_and_handed_on_twice():
    first = echo.enqueue(1)
    second = waits(first, first)
    succeed(first, "7")
    lifecycle.judge([uuid.UUID(second.id)])
    assert row(second).gate == Gate.OPEN
    assert results.handed_on(uuid.UUID(second.id)) == [7, 7]


@pytest.mark.parametrize("after", [5, "x", [None], ["not an id"], [uuid.uuid4(), "x"], b"x"])
def test_what_is_no_job_is_refused_where_it_is_given(after):
    with pytest.raises(InvalidTask, match="after takes results"):
        echo.using(after=after)


def test_a_word_that_is_none_is_refused():
    with pytest.raises(InvalidTask, match="Did you mean 'cancel'"):
        echo.using(on_failure="cancle")


@pytest.mark.parametrize("key", [None, "k"])
def test_a_job_that_is_not_there_enqueues_nothing(key):
    first, unknown = echo.enqueue(1), uuid.uuid4()
    with pytest.raises(UnknownDependency, match=f"no job {unknown}.*Nothing was enqueued"):
        echo.using(after=[first, unknown], idempotency_key=key).enqueue(2)
    with pytest.raises(UnknownDependency):
        echo.using(after=[unknown]).enqueue_many([((1,), {})])
    assert [str(pk) for pk in Job.objects.values_list("pk", flat=True)] == [first.id]
    assert not Dependency.objects.exists()
    if key:
        assert str(row(echo.using(idempotency_key=key).enqueue(3)).pk) != first.id


def test_a_job_of_another_backend_of_the_same_database_may_be_waited_for():
    first = echo.using(backend="plain").enqueue(1)
    second = waits(first)
    (claim,) = lifecycle.claim(connection, backend="plain", queue="default", paths=rows.PATHS, worker_id="w", limit=1)
    lifecycle.succeed(connection, claim.fence, None)
    assert lifecycle.follow([claim.job_id]).opened == {uuid.UUID(second.id): ("default", "default")}
    assert claimable() == {second.id}


@pytest.mark.parametrize(
    ("on_failure", "outcome"), [(None, "cancelled"), ("cancel", "cancelled"), ("fail", "dependency")]
)
def test_a_failure_ends_what_waits_at_once_and_tells_why(on_failure, outcome):
    first, other = echo.enqueue(1), echo.enqueue(2)
    second = waits(first, other, on_failure=on_failure)
    failed = fail(first)
    judged = lifecycle.follow([failed])
    assert list(judged.ended) == [uuid.UUID(second.id)]
    job = row(second)
    assert (job.status, job.outcome, job.gate, job.attempt) == ("FAILED", outcome, "", 0)
    assert job.finished_at is not None
    result = results.get(second.id)
    assert (result.attempts, result.worker_ids) == (0, [])
    (error,) = result.errors
    assert error.exception_class_path == "jobqueue.errors.DependencyFailed"
    assert error.traceback == f"Job {first.id}, for which it waited, is FAILED (raised)."
    assert lifecycle.follow([failed]).ended == {}
    assert Attempt.objects.filter(job_id=job.pk).count() == 1


def test_a_failure_ends_all_that_wait_behind_it():
    ids = [echo.enqueue(0)]
    for _ in range(5):
        ids.append(waits(ids[-1]))
    lifecycle.follow([fail(ids[0])])
    assert [row(one).status for one in ids] == ["FAILED"] * 6
    assert row(ids[-1]).outcome == "cancelled"
    assert ids[-2].id in results.get(ids[-1].id).errors[0].traceback


def test_one_that_is_retried_while_it_is_looked_at_is_waited_for(monkeypatch):
    first = echo.enqueue(1)
    second = waits(first)
    fail(first)
    look = judging._without_unfinished

    def look_and_retry(*args):
        found = look(*args)
        assert found == [uuid.UUID(second.id)]
        lifecycle.retry(uuid.UUID(first.id))
        return found

    monkeypatch.setattr(judging, "_without_unfinished", look_and_retry)
    assert lifecycle.judge([uuid.UUID(second.id)]) == ({}, {})
    assert (row(second).status, row(second).gate) == ("READY", "after")


def test_who_wants_to_run_in_any_case_waits_for_all_and_runs():
    first, other = echo.enqueue(1), echo.enqueue(2)
    second = waits(first, other, on_failure="run")
    claims = {str(claim.job_id): claim for claim in rows.claim(limit=50)}
    lifecycle.fail(claims[first.id].fence, rows.FAILED_FOR_GOOD)
    lifecycle.follow([claims[first.id].job_id])
    assert row(second).gate == Gate.AFTER
    lifecycle.succeed(connection, claims[other.id].fence, "2")
    lifecycle.follow([claims[other.id].job_id])
    assert claimable() == {second.id}
    assert results.handed_on(uuid.UUID(second.id)) == [None, 2]


def test_one_that_will_be_tried_again_has_not_failed():
    first = boom.enqueue()
    second = waits(first)
    (claim,) = rows.claim()
    lifecycle.fail(claim.fence, rows.FAILED_FOR_NOW)
    assert lifecycle.follow([claim.job_id]) == ({}, {})
    succeed(first)
    lifecycle.follow([claim.job_id])
    assert row(second).gate == Gate.OPEN


def test_one_that_waits_can_be_cancelled_and_ends_what_waits_for_it():
    first = echo.enqueue(1)
    second = waits(first)
    third = waits(second, on_failure="fail")
    assert lifecycle.cancel(uuid.UUID(second.id)) is None
    lifecycle.follow([uuid.UUID(second.id)])
    assert (row(second).status, row(second).outcome, row(second).gate) == ("FAILED", "cancelled", "")
    assert (row(third).status, row(third).outcome) == ("FAILED", "dependency")
    succeed(first)
    assert lifecycle.follow([uuid.UUID(first.id)]) == ({}, {})


def test_a_sweep_finds_what_nobody_has_noticed_some_at_a_time():
    first = echo.enqueue(1)
    waiting = [waits(first) for _ in range(5)]
    hopeless = waits(boom.enqueue(), on_failure="fail")
    for claim in rows.claim(limit=50):
        if str(claim.job_id) == first.id:
            lifecycle.succeed(connection, claim.fence, None)
        else:
            lifecycle.fail(claim.fence, rows.FAILED_FOR_GOOD)
    judged, beyond = lifecycle.sweep("default", beyond=None, limit=4)
    assert [str(job_id) for job_id in judged.opened] == [one.id for one in waiting[:4]]
    assert (judged.ended, str(beyond)) == ({}, waiting[3].id)
    judged, beyond = lifecycle.sweep("default", beyond=beyond, limit=4)
    assert (set(map(str, judged.ended)), beyond) == ({hopeless.id}, None)
    assert claimable() == {one.id for one in waiting}
    assert lifecycle.sweep("plain", beyond=None)[0] == ({}, {})


def test_both_the_gate_and_the_time_have_to_come():
    first = echo.enqueue(1)
    later = timezone.now() + timedelta(hours=1)
    second = waits(first, run_after=later)
    lifecycle.follow([succeed(first)])
    assert (row(second).gate, row(second).due_at) == (Gate.OPEN, later)
    assert claimable() == set()


def test_many_at_once_wait_as_one_does():
    first = echo.enqueue(1)
    many = echo.using(after=[first, first]).enqueue_many([((number,), {}) for number in range(3)])
    assert {row(one).gate for one in many} == {Gate.AFTER}
    assert Dependency.objects.count() == 6
    lifecycle.follow([succeed(first)])
    assert claimable() == {one.id for one in many}


def test_many_may_be_waited_for():
    many = echo.enqueue_many([((number,), {}) for number in range(1200)])
    last = waits(*many)
    for claim in rows.claim(limit=1200):
        lifecycle.settle(connection, [(claim.fence, "1")])
    lifecycle.judge([uuid.UUID(last.id)])
    assert row(last).gate == Gate.OPEN
    assert results.handed_on(uuid.UUID(last.id)) == [1] * 1200


def test_a_key_that_was_used_answers_with_the_first_job_whatever_it_waits_for():
    first = echo.enqueue(1)
    second = waits(first, idempotency_key="k")
    again = echo.using(after=[uuid.uuid4()], idempotency_key="k").enqueue(0)
    assert again.id == second.id
    assert Dependency.objects.count() == 1


def test_coroutines_enqueue_as_others_do(transactional_db):
    first = echo.enqueue(1)
    second = async_to_sync(echo.using(after=[first]).aenqueue)(2)
    assert row(second).gate == Gate.AFTER


class TestRetry:
    def test_one_that_ended_unbegun_waits_again_and_its_earlier_ones_are_judged_anew(
        self, django_capture_on_commit_callbacks
    ):
        first = echo.enqueue(1)
        second = waits(first)
        lifecycle.follow([fail(first)])
        # The earlier one has still failed: so has this, again.
        with django_capture_on_commit_callbacks(execute=True):
            lifecycle.retry(uuid.UUID(second.id))
        assert row(second).status == "FAILED"

        lifecycle.retry(uuid.UUID(first.id))
        assert row(second).status == "FAILED"
        with django_capture_on_commit_callbacks(execute=True):
            lifecycle.retry(uuid.UUID(second.id))
        assert (row(second).status, row(second).gate) == ("READY", "after")
        lifecycle.follow([succeed(first)])
        succeed(second)
        result = results.get(second.id)
        assert (result.status, result.worker_ids, len(result.errors)) == ("SUCCESSFUL", ["w-1"], 2)

    def test_one_that_was_begun_does_not_wait_again(self):
        first = echo.enqueue(1)
        second = waits(first)
        lifecycle.follow([succeed(first)])
        fail(second)
        Job.objects.filter(pk=first.id).delete()
        lifecycle.retry(uuid.UUID(second.id))
        assert claimable() == {second.id}


class TestPrune:
    def prune(self):
        return lifecycle.prune("default", older_than=timedelta(0))

    def test_one_that_is_waited_for_stays_until_that_has_ended_and_what_was_waited_for_is_forgotten_with_it(self):
        first, other = echo.enqueue(1), echo.enqueue(2)
        second = waits(first)
        claims = {str(claim.job_id): claim for claim in rows.claim(limit=50)}
        for claim in claims.values():
            lifecycle.succeed(connection, claim.fence, None)
        assert self.prune() == 1
        assert row(first)
        assert not Job.objects.filter(pk=other.id).exists()
        lifecycle.follow([uuid.UUID(first.id)])
        (claim,) = rows.claim()
        assert self.prune() == 0
        lifecycle.succeed(connection, claim.fence, None)
        assert str(claim.job_id) == second.id
        assert self.prune() == 2
        assert not Dependency.objects.exists()

    def test_one_that_a_failed_job_has_waited_for_stays_as_long_as_that(self):
        first = echo.enqueue(1)
        second = waits(first)
        lifecycle.follow([succeed(first, "7")])
        fail(second)
        Job.objects.filter(pk=second.id).update(finished_at=timezone.now() + timedelta(hours=1))
        assert self.prune() == 0
        lifecycle.retry(uuid.UUID(second.id))
        assert results.handed_on(fail(second)) == [7]
        assert self.prune() == 1
        assert self.prune() == 1

    def test_one_that_was_pruned_all_the_same_ends_what_waits(self):
        first = echo.enqueue(1)
        second = waits(first)
        Job.objects.filter(pk=first.id).delete()
        lifecycle.sweep("default", beyond=None)
        assert row(second).status == "FAILED"
        assert "was pruned" in results.get(second.id).errors[0].traceback
        with pytest.raises(TaskResultDoesNotExist):
            results.handed_on(uuid.UUID(second.id))

    def test_one_whose_result_the_ledger_keeps_may_be_waited_for(self):
        first = echo.using(idempotency_key="k").enqueue(1)
        succeed(first, '"kept"')
        assert self.prune() == 1
        again = echo.using(idempotency_key="k").enqueue(1)
        second = waits(again)
        assert row(second).gate == Gate.OPEN
        third = waits(again, echo.enqueue(5))
        for claim in rows.claim(limit=50):
            lifecycle.succeed(connection, claim.fence, "5")
        lifecycle.judge([uuid.UUID(third.id)])
        assert row(third).gate == Gate.OPEN
        assert results.handed_on(uuid.UUID(third.id)) == ["kept", 5]

    def test_without_dependencies_it_asks_two_short_questions_more_a_lot(self, django_assert_num_queries):
        for _ in range(3):
            succeed(echo.enqueue(1))
        asked = []
        with connection.execute_wrapper(lambda execute, *call: (asked.append(call[0]), execute(*call))[1]):
            assert self.prune() == 3
        about = [sql for sql in asked if "jobqueue_dependency" in sql]
        assert len(about) == 2
        assert all("LIMIT 1" in sql and "jobqueue_job" not in sql for sql in about)


class TestWorkflows:
    def test_a_chain_runs_one_after_the_other(self):
        last = chain(call(echo, 1), call(echo, 2), call(echo.using(priority=5), value=3))
        order = []
        while claims := rows.claim(limit=50):
            (claim,) = claims
            order.append(results.handed_on(claim.job_id))
            lifecycle.succeed(connection, claim.fence, str(len(order)))
            lifecycle.follow([claim.job_id])
        assert order == [[], [1], [2]]
        assert row(last).status == "SUCCESSFUL"
        assert (row(last).priority, row(last).arguments) == (5, {"args": [], "kwargs": {"value": 3}})

    def test_a_list_in_a_chain_is_run_side_by_side(self):
        last = chain(call(echo, 1), [call(echo, 2), call(echo, 3)], call(echo, 4))
        sizes = []
        while claims := rows.claim(limit=50):
            sizes.append(len(claims))
            for claim in claims:
                lifecycle.succeed(connection, claim.fence, None)
            lifecycle.follow([claim.job_id for claim in claims])
        assert sizes == [1, 2, 1]
        assert row(last).status == "SUCCESSFUL"

    def test_what_comes_after_a_group_waits_for_all_of_it(self):
        parts = group(call(echo, 1), call(echo, 2))
        total = echo.using(after=parts).enqueue(0)
        assert claimable() == {part.id for part in parts}
        assert Dependency.objects.filter(job_id=total.id).count() == 2

    def test_a_call_may_wait_for_others_besides(self):
        other = echo.enqueue(0)
        last = chain(call(echo, 1), call(echo.using(after=[other]), 2))
        assert Dependency.objects.filter(job_id=last.id).count() == 2

    def test_a_list_without_any_is_passed_over(self):
        first = chain(call(echo, 1))
        last = chain(call(echo.using(after=[first]), 2), [], call(echo, 3))
        (dependency,) = Dependency.objects.filter(job_id=last.id)
        assert Dependency.objects.filter(job_id=dependency.after_id, after_id=first.id).exists()

    @pytest.mark.parametrize("enqueue", [chain, group])
    def test_all_are_enqueued_or_none(self, enqueue):
        with pytest.raises(TypeError):
            enqueue(call(echo, 1), call(echo, object()))
        assert not Job.objects.exists()

    @pytest.mark.parametrize("stages", [(), ([call(echo, 1)],), (call(echo, 1), [])])
    def test_a_chain_ends_with_one_call(self, stages):
        with pytest.raises(TypeError, match="ends with one call"):
            chain(*stages)
        assert not Job.objects.exists()


def test_whoever_rolls_back_leaves_nothing_that_waits(transactional_db):
    with transaction.atomic():
        chain(call(echo, 1), call(echo, 2))
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert not Dependency.objects.exists()


def test_the_backend_answers_for_what_waits():
    first = echo.enqueue(1)
    assert task_backends["default"].get_result(waits(first).id).status == "READY"


def test_calls_of_many_may_each_wait_for_others():
    first, second = echo.enqueue(1), echo.enqueue(2)
    succeed(first)
    made = echo.enqueue_many(
        [((1,), {}, {"after": [first]}), ((2,), {}, {"after": [second], "on_failure": "fail"}), ((3,), {}, {})]
    )
    assert [row(one).gate for one in made] == ["", "after", ""]
    assert list(Dependency.objects.order_by("id").values_list("on_failure", flat=True)) == ["cancel", "fail"]
    with pytest.raises(UnknownDependency):
        echo.enqueue_many([((1,), {}, {"after": [uuid.uuid4()]})])


def test_a_unique_job_that_waits_is_there_for_its_call_whatever_is_asked_of_it():
    unique = echo.stored(unique="active")
    first, second = echo.enqueue(1), echo.enqueue(2)
    one = unique.using(after=[first]).enqueue("same")
    assert unique.using(after=[second]).enqueue("same").id == one.id
    assert [it.id for it in unique.using(after=[second]).enqueue_many([(("same",), {})])] == [one.id]
    assert Dependency.objects.count() == 1
    assert row(one).gate == Gate.AFTER
