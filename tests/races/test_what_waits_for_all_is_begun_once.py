"""However the ends of earlier jobs and the enqueue of a later one fall together: its gate opens, and opens once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, connections

from jobqueue import call, group, lifecycle, points
from jobqueue.errors import UnknownDependency
from jobqueue.models import Job
from tests import rows
from tests.app.tasks import echo
from tests.races.actors import SOON


def fan_in(size):
    """Have so many jobs running, and one that waits for all of them."""
    parts = group(*(call(echo, number) for number in range(size)))
    last = echo.using(after=parts).enqueue("last")
    claims = rows.claim(limit=size)
    assert len(claims) == size
    return claims, UUID(last.id)


def settle(claim):
    assert lifecycle.settle(connection, [(claim.fence, "1")])


def end_and_look(claim):
    settle(claim)
    return lifecycle.follow([claim.job_id])


def test_the_last_of_two_that_end_at_once_opens_the_gate(anna, bert):
    (first, second), last = fan_in(2)
    anna.begin()
    anna.do(settle, first)
    if connection.vendor == "sqlite":
        late = bert.start(end_and_look, second)
        bert.waits(late)
        anna.commit()
        found = late.result(SOON)
    else:
        # Nobody knows yet that the first has ended, and nobody waits to know it.
        assert bert.do(end_and_look, second).opened == {}
        assert rows.job(last).gate == "after"
        anna.commit()
        found = anna.do(lifecycle.follow, [first.job_id])
    assert found.opened == {last: ("default", "default")}
    assert rows.job(last).gate == ""
    assert anna.do(lifecycle.follow, [first.job_id]).opened == {}


def test_while_one_opens_the_gate_another_does_not_wait_for_it(anna, bert):
    (only,), last = fan_in(1)
    settle(only)
    anna.begin()
    assert anna.do(lifecycle.judge, [last]).opened
    other = bert.start(lifecycle.judge, [last])
    if connection.vendor == "sqlite":
        bert.waits(other)
        anna.commit()
        assert other.result(SOON) == ({}, {})
    else:
        assert other.result(SOON) == ({}, {})
        anna.commit()
    assert rows.job(last).gate == ""


@pytest.fixture
def held_up(monkeypatch):
    """Give `held_up(actor, step, …)`, which begins a step that waits for `go` when it has read and is to change."""
    go, arrived = threading.Event(), threading.Event()
    thread = []

    def listen(name):
        if name == "judge.before" and threading.get_ident() in thread:
            arrived.set()
            assert go.wait(SOON)

    def hold_up(actor, step, *args):
        thread.append(actor.do(threading.get_ident))
        monkeypatch.setattr(points, "listener", listen)
        late = actor.start(step, *args)
        assert arrived.wait(SOON), "It changes nothing."
        return go, late

    yield hold_up
    go.set()


def test_who_has_seen_the_gate_closed_and_comes_late_changes_nothing(anna, bert, held_up):
    (only,), last = fan_in(1)
    settle(only)
    go, late = held_up(bert, lifecycle.judge, [last])
    assert anna.do(lifecycle.judge, [last]).opened
    (claim,) = anna.do(rows.claim)
    assert claim.job_id == last
    before = rows.everything(last)
    go.set()
    assert late.result(SOON) == ({}, {})
    assert rows.everything(last) == before


def test_who_has_seen_a_failure_and_comes_late_ends_nothing_that_was_begun(anna, bert, held_up):
    (only,), last = fan_in(1)
    lifecycle.fail(only.fence, rows.FAILED_FOR_GOOD)
    go, late = held_up(bert, lifecycle.follow, [only.job_id])
    # Meanwhile somebody has the earlier one attempted again, it succeeds, and the later one is begun.
    anna.do(lifecycle.retry, only.job_id)
    (again,) = anna.do(rows.claim)
    assert anna.do(end_and_look, again).opened
    (claim,) = anna.do(rows.claim)
    assert claim.job_id == last
    before = rows.everything(last)
    go.set()
    assert late.result(SOON) == ({}, {})
    assert rows.everything(last) == before


def test_an_end_that_nobody_could_see_waited_for_is_found_by_whoever_enqueued(anna, bert):
    rows.enqueue()
    (first,) = rows.claim()
    anna.begin()
    last = anna.do(lambda: echo.using(after=[first.job_id]).enqueue("last").id)
    # Whoever enqueues takes his time. The earlier job ends all the same: nobody holds its row.
    late = bert.start(end_and_look, first)
    if connection.vendor == "sqlite":
        bert.waits(late)
        anna.commit()
        late.result(SOON)
    else:
        assert late.result(SOON).opened == {}
        anna.commit()
    assert rows.job(last).gate == ""


def test_one_who_enqueues_and_dies_before_he_has_looked_leaves_it_to_the_keepers(anna, bert, monkeypatch):
    rows.enqueue()
    (first,) = rows.claim()
    monkeypatch.setattr(lifecycle, "judge", lambda _: None)  # As the backend calls it.
    anna.begin()
    last = anna.do(lambda: echo.using(after=[first.job_id]).enqueue("last").id)
    late = bert.start(settle, first)
    if connection.vendor != "sqlite":
        late.result(SOON)
    anna.commit()
    late.result(SOON)
    assert rows.job(last).gate == "after"
    assert bert.do(lifecycle.sweep, "default", beyond=None)[0].opened
    assert rows.job(last).gate == ""


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writes at a time")
def test_nobody_who_prunes_waits_for_a_job_that_somebody_has_locked_and_that_waits_for_others(anna, bert):
    (first,), last = fan_in(1)
    settle(first)
    other = rows.claimed(queue_name="mail")
    settle(other)
    anna.begin()
    anna.do(lambda: Job.objects.filter(pk=last).update(priority=1))
    assert bert.start(lifecycle.prune, "default", older_than=timedelta(0)).result(SOON) == 1
    assert rows.everything(first.job_id)
    assert not rows.everything(other.job_id)
    anna.commit()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writes at a time")
def test_one_whose_earlier_job_is_not_committed_is_as_if_there_were_none(anna, bert):
    anna.begin()
    first = anna.do(lambda: echo.enqueue("first").id)
    with pytest.raises(UnknownDependency, match="not committed"):
        bert.do(lambda: echo.using(after=[first]).enqueue("last"))
    anna.commit()
    assert bert.do(lambda: echo.using(after=[first]).enqueue("last"))


@pytest.mark.parametrize("_round", range(3))
def test_eight_that_end_and_are_looked_after_at_once_open_one_gate_once(transactional_db, _round):
    claims, last = fan_in(8)
    start = threading.Barrier(8)

    def end(claim):
        start.wait(SOON)
        try:
            return bool(end_and_look(claim).opened)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(end, claims))
    assert sum(opened) == 1
    assert rows.job(last).gate == ""
    assert [claim.job_id for claim in rows.claim(limit=5)] == [last]
