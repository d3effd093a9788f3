"""However many enqueue a unique task at once, one job is there, and it does for all who are answered with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, connections, transaction

from jobqueue import lifecycle
from jobqueue.calls import new_call, new_calls
from jobqueue.errors import WrongState
from jobqueue.lifecycle import Created, unique
from jobqueue.models import Job
from tests import rows
from tests.app.unique_tasks import refresh, sync
from tests.races.actors import Actor

TASKS = pytest.mark.parametrize("task", [refresh, sync], ids=["waiting", "active"])


def enqueue(task: Any, *args: Any) -> UUID:
    call = new_call(task, args, {}, limit=1000)
    created = lifecycle.create(task, call.text, unique_key=call.unique_key)
    return created.job_id if isinstance(created, Created) else created


def enqueue_many(task: Any, values: Any) -> list[UUID]:
    answers = lifecycle.create_each(new_calls(task, [((value,), {}) for value in values], limit=1000))
    return [UUID(answer.job_id) for answer in answers]


def claim(task: Any) -> list[Any]:
    return rows.claim(paths=[task.module_path])


def read_as_it_was() -> None:
    """Have MariaDB and MySQL read as is their own default, which Django replaces and a project may ask for again."""
    if connection.vendor == "mysql":
        connection.isolation_level = "repeatable read"  # type: ignore[attr-defined]
        connection.cursor().execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def in_threads[T](number: int, act: Callable[[int], T]) -> list[T]:
    start = threading.Barrier(number)

    def run(which: int) -> T:
        try:
            connection.ensure_connection()
            start.wait(20)
            return act(which)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(run, range(number)))


@TASKS
@pytest.mark.parametrize("prepare", [lambda: None, read_as_it_was], ids=["as configured", "repeatable read"])
def test_twenty_threads_get_one_job(transactional_db: None, task: Any, prepare: Callable[[], None]) -> None:
    def act(_: int) -> UUID:
        prepare()
        return enqueue(task)

    assert set(in_threads(20, act)) == {Job.objects.get().pk}


@TASKS
def test_the_second_waits_for_the_first_and_gets_its_job(anna: Actor, bert: Actor, task: Any) -> None:
    anna.begin()
    first = anna.do(enqueue, task)
    second = bert.start(enqueue, task)
    bert.waits(second)
    anna.commit()
    assert second.result(10) == first


@pytest.mark.skipif(connection.vendor != "mysql", reason="Elsewhere an INSERT may meet a holder.")
@TASKS
def test_nobody_inserts_what_another_is_inserting(anna: Actor, bert: Actor, task: Any) -> None:
    """An INSERT that meets a holder locks in the other order than a claim of that, and one of the two is undone."""
    began: list[str] = []

    def listen(execute: Any, sql: str, *rest: Any) -> Any:
        began.append(sql)
        return execute(sql, *rest)

    def enqueue_heard(which: Callable[..., Any], *args: Any) -> Any:
        with connection.execute_wrapper(listen):
            return which(task, *args)

    for call, arguments in ((enqueue, [1]), (enqueue_many, [range(2, 4)])):
        anna.begin()
        first = anna.do(call, task, *arguments)
        second = bert.start(enqueue_heard, call, *arguments)
        bert.waits(second)
        assert "jobqueue_keylock" in began[-1]
        anna.commit()
        assert second.result(10) == first
        assert not any("INTO jobqueue_job " in sql for sql in began)


@contextmanager
def waiting_in_line(anna: Actor, bert: Actor, *, committed: bool) -> Iterator[Any]:
    """Have bert wait in line for a key; anna claims its holder after he has seen that."""
    first = enqueue(refresh)
    key = Job.objects.get(pk=first).unique_key
    claims: list[Any] = []

    def claim_first(execute: Any, sql: str, *rest: Any) -> Any:
        # He has seen a job that waits, and is about to lock its row.
        if "SHARE" in sql and not claims:
            if not committed:
                anna.begin()
            claims.extend(anna.do(claim, refresh))
        return execute(sql, *rest)

    def look_and_wait() -> UUID:
        with connection.execute_wrapper(claim_first):
            return enqueue(refresh)

    with transaction.atomic():
        unique._wait_in_line(connection, [key])
        second = bert.start(look_and_wait)
        bert.waits(second)
        if not committed:
            anna.commit()
        yield claims[0]
    assert second.result(10) != first


@pytest.mark.skipif(connection.vendor != "mysql", reason="Nobody waits in line.")
@pytest.mark.parametrize("committed", [True, False])
def test_who_waits_in_line_keeps_no_job_from_ending(anna: Actor, bert: Actor, committed: bool) -> None:
    """The first in line could be waiting for that end: three would wait for each other, and the server undoes one."""
    with waiting_in_line(anna, bert, committed=committed) as claimed:
        assert anna.do(lambda: lifecycle.succeed(connection, claimed.fence, None))


@pytest.mark.skipif(connection.vendor != "mysql", reason="Nobody waits in line.")
@pytest.mark.parametrize("prepare", [lambda: None, read_as_it_was], ids=["as configured", "repeatable read"])
def test_who_waits_in_line_keeps_nobody_from_enqueueing(anna: Actor, bert: Actor, prepare: Callable[[], None]) -> None:
    """The first in line is about to."""
    bert.do(prepare)
    with waiting_in_line(anna, bert, committed=False):
        assert anna.do(enqueue, sync)


@TASKS
def test_the_second_makes_the_job_when_the_first_is_undone(anna: Actor, bert: Actor, task: Any) -> None:
    anna.begin()
    first = anna.do(enqueue, task)
    second = bert.start(enqueue, task)
    bert.waits(second)
    anna.roll_back()
    assert second.result(10) != first
    assert Job.objects.get().pk == second.result()


@TASKS
def test_one_of_many_waits_for_another_of_many(anna: Actor, bert: Actor, task: Any) -> None:
    anna.begin()
    first = anna.do(enqueue_many, task, range(3))
    second = bert.start(enqueue_many, task, [4, 2, 0])
    bert.waits(second)
    anna.commit()
    assert second.result(10)[1:] == [first[2], first[0]]
    assert Job.objects.count() == 4


def test_the_job_that_was_found_begins_only_when_who_found_it_has_committed(anna: Actor, bert: Actor) -> None:
    """Else it could be through before the changes of that transaction are there, and nobody would see to them."""
    first = enqueue(refresh)
    anna.begin()
    assert anna.do(enqueue, refresh) == first
    if connection.vendor == "sqlite":
        claims = bert.start(claim, refresh)
        bert.waits(claims)
        anna.commit()
    else:
        assert bert.do(claim, refresh) == []
        anna.commit()
        claims = bert.start(claim, refresh)
    assert [claim.job_id for claim in claims.result(10)] == [first]


def test_the_same_holds_for_many(anna: Actor, bert: Actor) -> None:
    first = enqueue(refresh, 1)
    anna.begin()
    found = anna.do(enqueue_many, refresh, [2, 1])
    claims = bert.start(claim, refresh)
    if connection.vendor != "sqlite":
        assert claims.result(10) == []
    anna.commit()
    claims.result(10)
    assert found[1] == first
    if connection.vendor != "sqlite":
        assert Job.objects.holding().count() == Job.objects.count()


def test_two_who_find_the_same_job_do_not_wait_for_each_other(anna: Actor, bert: Actor) -> None:
    first = enqueue(refresh)
    anna.begin()
    assert anna.do(enqueue, refresh) == first
    again = bert.start(enqueue, refresh)
    if connection.vendor == "sqlite":  # Whoever may write holds up all who may.
        anna.commit()
    assert again.result(10) == first


def test_a_job_ends_without_waiting_for_who_found_it(anna: Actor, bert: Actor) -> None:
    first = enqueue(sync)
    fence = claim(sync)[0].fence
    anna.begin()
    assert anna.do(enqueue, sync) == first
    end = bert.start(lambda: lifecycle.succeed(connection, fence, None))
    if connection.vendor == "sqlite":
        anna.commit()
    assert end.result(10)


def test_who_comes_while_the_job_is_being_claimed_waits_and_makes_another(anna: Actor, bert: Actor) -> None:
    first = enqueue(refresh)
    anna.begin()
    assert anna.do(claim, refresh)
    second = bert.start(enqueue, refresh)
    bert.waits(second)
    anna.commit()
    assert second.result(10) != first
    assert Job.objects.count() == 2


def test_who_comes_while_the_job_is_ending_waits_or_is_answered_with_it(anna: Actor, bert: Actor) -> None:
    first = enqueue(sync)
    fence = claim(sync)[0].fence
    anna.begin()
    assert anna.do(lambda: lifecycle.succeed(connection, fence, None))
    second = bert.start(enqueue, sync)
    if connection.vendor == "mysql":  # It has not ended: nothing but a plain read says so.
        assert second.result(10) == first
        anna.commit()
    else:
        bert.waits(second)
        anna.commit()
        assert second.result(10) != first


def test_a_stale_snapshot_does_not_answer_with_a_job_that_has_ended(anna: Actor, bert: Actor) -> None:
    first = enqueue(sync)
    fence = claim(sync)[0].fence
    anna.do(read_as_it_was)
    if connection.vendor == "sqlite":  # Here nobody could end the job meanwhile.
        return
    anna.begin()
    anna.do(Job.objects.count)
    assert bert.do(lambda: lifecycle.succeed(connection, fence, None))
    assert anna.do(enqueue, sync) != first


def test_a_retry_and_an_enqueue_do_not_both_get_the_key(anna: Actor, bert: Actor) -> None:
    first = enqueue(sync)
    lifecycle.fail(claim(sync)[0].fence, rows.FAILED_FOR_GOOD)
    anna.begin()
    second = anna.do(enqueue, sync)
    retry = bert.start(lifecycle.retry, first)
    bert.waits(retry)
    anna.commit()
    with pytest.raises(WrongState, match=f"while job {second} is there"):
        retry.result(10)
    assert rows.job(first).status == "FAILED"


@TASKS
def test_overlapping_calls_in_other_orders_do_not_deadlock(transactional_db: None, task: Any) -> None:
    def act(which: int) -> list[UUID]:
        values = list(range(40))
        with transaction.atomic():
            return sorted(enqueue_many(task, values if which % 2 else values[::-1]))

    for _ in range(5):
        Job.objects.all().delete()
        answers = in_threads(4, act)
        assert all(answer == answers[0] for answer in answers)
        assert Job.objects.count() == 40


@TASKS
def test_jobs_that_begin_and_end_meanwhile_are_found_or_made_anew(transactional_db: None, task: Any) -> None:
    """Whoever works takes the keys away while others ask for them, in both orders; no call is left without a job."""

    def act(which: int) -> set[UUID]:
        if which == 0:
            for _ in range(60):
                for claimed in claim(task):
                    lifecycle.succeed(connection, claimed.fence, None)
            return set()
        ids: set[UUID] = set()
        for _ in range(10):
            ids.update(enqueue_many(task, range(6) if which % 2 else range(5, -1, -1)), [enqueue(task, which)])
        return ids

    found = set[UUID]().union(*in_threads(4, act))
    assert found == set(Job.objects.values_list("pk", flat=True))
    held = list(Job.objects.holding().values_list("unique_key", flat=True))
    assert len(held) == len(set(held))
