"""However many claim at once, no more run than the limit says: a key is locked while it is counted."""

import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import connection, connections

from jobqueue import lifecycle
from jobqueue.lifecycle import Ask
from jobqueue.limits import Policies
from jobqueue.models import Job
from jobqueue.task import registered
from tests.app import limited_tasks as limited

POLICIES = Policies(registered())


def claim(worker_id, *names, room=10):
    lifecycle.look_at(connection, names)
    asks = {name: Ask(POLICIES.of(name), POLICIES.paths_of(name)) for name in names}
    return lifecycle.claim_limited(
        connection, backend="default", queue="default", asks=asks, worker_id=worker_id, room=room
    )


ALONE = limited.alone.module_path


def test_the_second_passes_over_a_key_that_the_first_has_locked(anna, bert):
    limited.alone.enqueue_many([((n,), {}) for n in range(3)])
    lifecycle.look_at(connection, [ALONE])
    anna.begin()
    assert len(anna.do(claim, "anna", ALONE).claims) == 1

    second = bert.start(claim, "bert", ALONE)
    if connection.vendor == "sqlite":  # One writes at a time: the second waits, and then sees.
        bert.waits(second)
        anna.commit()
        assert second.result(10) == ([], False)
    else:
        assert second.result(10) == ([], True)
        anna.commit()
    assert bert.do(claim, "bert", ALONE).claims == []
    assert Job.objects.running().count() == 1


def test_who_comes_when_the_first_has_committed_counts_what_it_took(anna, bert):
    """If the second has a transaction that began before: its count must not be older than its lock."""
    limited.alone.enqueue_many([((n,), {}) for n in range(3)])
    lifecycle.look_at(connection, [ALONE])
    if connection.vendor == "sqlite":
        assert len(anna.do(claim, "anna", ALONE).claims) == 1
        assert bert.do(claim, "bert", ALONE).claims == []
        return
    bert.begin()
    bert.do(lambda: Job.objects.running().count())
    assert len(anna.do(claim, "anna", ALONE).claims) == 1
    assert bert.do(claim, "bert", ALONE).claims == []
    bert.commit()


def test_what_is_claimed_just_before_the_lock_is_counted(anna, bert):
    limited.alone.enqueue_many([((n,), {}) for n in range(3)])
    lifecycle.look_at(connection, [ALONE])
    first = []

    def let_anna_be_first(execute, sql, params, many, context):
        if "jobqueue_limit" in sql and "ORDER BY name" in sql and connection.vendor != "sqlite":
            first.extend(anna.do(claim, "anna", ALONE).claims)
        return execute(sql, params, many, context)

    def claim_second():
        with connection.execute_wrapper(let_anna_be_first):
            return claim("bert", ALONE).claims

    second = bert.do(claim_second)
    assert len(first) + len(second) == 1


def test_the_order_of_keys_makes_no_deadlock(anna, bert):
    names = [f"{limited.serve.module_path}:{letter}" for letter in "abcd"]
    limited.serve.enqueue_many([((letter,), {}) for letter in "abcd" for _ in range(3)])
    lifecycle.look_at(connection, names)
    anna.begin()
    taken = anna.do(claim, "anna", *names[:2], room=2).claims
    second = bert.start(claim, "bert", *reversed(names))
    if connection.vendor == "sqlite":
        anna.commit()
        assert {claim.limit_key for claim in second.result(10).claims} == set(names[2:])
    else:
        assert {claim.limit_key for claim in second.result(10).claims} == set(names[2:])
        anna.commit()
    assert {claim.limit_key for claim in taken} == set(names[:2])


def test_a_job_that_somebody_has_locked_keeps_nobody_behind_it_waiting(anna, bert):
    first, second = limited.alone.enqueue_many([((n,), {}) for n in range(2)])
    lifecycle.look_at(connection, [ALONE])
    if connection.vendor == "sqlite":
        return
    anna.begin()
    anna.do(lambda: Job.objects.select_for_update().get(pk=first.id))
    (claimed,) = bert.do(claim, "bert", ALONE).claims
    assert str(claimed.job_id) == second.id
    anna.commit()


def test_the_enqueuer_makes_no_row_for_which_another_would_wait(anna, bert):
    anna.begin()
    anna.do(limited.alone.enqueue, 1)
    if connection.vendor == "sqlite":
        anna.commit()
    bert.do(limited.alone.enqueue, 2)
    anna.commit()
    assert Job.objects.count() == 2


def test_four_who_claim_at_once_never_take_more_than_there_are_slots(transactional_db):
    names = [f"{limited.serve.module_path}:{letter}" for letter in "abc"]
    limited.serve.enqueue_many([((letter,), {}) for letter in "abc" for _ in range(20)])
    start, most = threading.Barrier(4), []

    def work(number):
        mine = names[number % 3 :] + names[: number % 3]
        start.wait(10)
        done = 0
        try:
            while Job.objects.ready().exists():
                for claimed in claim(f"w-{number}", *mine, room=2).claims:
                    most.append(Job.objects.running().filter(limit_key=claimed.limit_key).count())
                    lifecycle.settle(connection, [(claimed.fence, None)])
                    done += 1
        finally:
            connections.close_all()
        return done

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(work, range(4))) == 60
    assert set(most) == {1}
