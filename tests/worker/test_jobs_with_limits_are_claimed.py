"""The claimer, for jobs with limits: who comes first, whose turn it is, and when it looks again."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobqueue import lifecycle
from jobqueue.limits import Policies
from jobqueue.models import Gate, Job, Limit
from jobqueue.queues import Queues
from jobqueue.task import registered
from jobqueue.worker import limited as limited_module
from jobqueue.worker.claimer import Claimer
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.settler import Settler
from tests import rows
from tests.app import limited_tasks as limited
from tests.app import tasks
from tests.worker.parts import OPTIONS, identity

pytestmark = pytest.mark.usefixtures("transactional_db")


class House:
    """A claimer that knows some tasks, and what it works with."""

    def __init__(self, *, queues=("default",), known=None, hinted=True):
        known = registered() if known is None else known
        self.holdings = Holdings()
        self.settler = Settler(self.holdings, None, "w-1")
        self.claimer = Claimer(
            identity(),
            [task.module_path for task in known],
            Queues(queues),
            self.holdings,
            self.settler,
            None,
            OPTIONS,
            hinted=lambda: hinted,
            policies=Policies(known),
        )

    def look(self, room=10):
        self.claimer.look_now()
        return self.claimer.claim(room)

    def ids(self, room=10):
        return [claim.job_id for claim in self.look(room)]

    def end(self, claim):
        """Let a job end well."""
        self.settler.value(self.holdings.get(claim.job_id), None)
        return self.settler.flush()


def enqueue(task, *args, **using):
    return Job.objects.get(pk=task.using(**using).enqueue(*args).id).pk


def test_the_end_of_a_job_lets_the_next_begin_at_once():
    first, second = enqueue(limited.alone), enqueue(limited.alone)
    house = House()
    (held,) = house.look()
    assert held.job_id == first
    assert house.look() == []
    assert house.end(held) is True
    assert house.ids() == [second]


def test_the_end_of_a_job_without_limits_is_no_reason_to_look():
    enqueue(tasks.echo, 1)
    house = House()
    (held,) = house.look()
    assert house.end(held) is False


def test_two_workers_together_keep_to_the_limit():
    for _ in range(6):
        enqueue(limited.paint)
    one, other = House(), House()
    assert len(one.look(room=1)) == 1
    assert len(other.look()) == 1
    assert one.look() == other.look() == []


def test_the_higher_priority_comes_first_with_limits_or_without():
    high, low = enqueue(limited.paint, priority=5), enqueue(tasks.echo, 1)
    higher = enqueue(tasks.echo, 1, priority=9)
    house = House()
    assert [house.ids(room=1) for _ in range(3)] == [[higher], [high], [low]]


def test_those_of_the_same_priority_take_turns():
    for number in range(4):
        enqueue(limited.serve, f"c{number}")
        enqueue(tasks.echo, 1)
    house = House()
    kinds = [bool(house.look(room=1)[0].limit_key) for _ in range(8)]
    assert sorted(kinds) == [False] * 4 + [True] * 4
    assert kinds[0] != kinds[1]
    assert kinds[2] != kinds[3]


def test_keys_of_the_same_priority_take_turns():
    for name in ("a", "b", "c"):
        for _ in range(5):
            enqueue(limited.serve, name)
    house, served = House(), []
    for _ in range(6):
        (held,) = house.look(room=1)
        served.append(held.limit_key[-1])
        house.end(held)
    assert served == ["a", "b", "c", "a", "b", "c"]


def test_every_key_has_its_turn_however_many_there_are(monkeypatch):
    monkeypatch.setattr(limited_module, "_KEYS", 3)
    names = [f"c{number}" for number in range(10)]
    for name in names:
        for _ in range(3):
            enqueue(limited.serve, name)
    house, served = House(), set()
    for _ in range(10):
        served.update(claim.limit_key.partition(":")[2] for claim in house.look(room=2))
    assert served == set(names)


def test_keys_behind_many_full_ones_are_come_to_soon(monkeypatch):
    monkeypatch.setattr(limited_module, "_KEYS", 3)
    house = House()
    for number in range(9):
        enqueue(limited.serve, f"a{number}")
    while house.look():
        pass
    for number in range(9):
        enqueue(limited.serve, f"a{number}")
    last = enqueue(limited.serve, "z")
    found = []
    for _ in range(5):
        found += house.ids()
        if not found:
            assert house.claimer.wait_seconds() <= 0.02
            assert not house.claimer.nothing_due()
    assert found == [last]


def test_a_full_key_is_looked_at_without_its_backlog():
    for _ in range(20):
        enqueue(limited.alone)
    house = House()
    house.look()
    with CaptureQueriesContext(connection) as queries:
        assert house.look() == []
    asked = [query["sql"] for query in queries if "jobqueue_job" in query["sql"]]
    # The keys, their slots, and what has no limit; with that when the next of those is due.
    assert not any("JOIN" in sql for sql in asked)


def test_a_worker_without_limits_asks_for_them_once_a_minute():
    house = House(known=[tasks.echo, tasks.add])
    with CaptureQueriesContext(connection) as queries:
        house.look()
        house.look()
        house.look()
    assert sum("'limit'" in query["sql"] for query in queries) == 1


def test_a_task_that_has_lost_its_limit_still_has_its_jobs_done(monkeypatch):
    path = limited.alone.module_path
    for _ in range(3):
        enqueue(limited.alone)
    Job.objects.update(task_path=tasks.echo.module_path, limit_key=tasks.echo.module_path)
    assert path
    house = House(known=[tasks.echo])
    assert len(house.look()) == 3
    # Also what an older process enqueues from now on.
    enqueue(limited.alone)
    Job.objects.filter(status="READY").update(task_path=tasks.echo.module_path, limit_key=":gone")
    assert len(house.look()) == 1


def test_a_task_that_was_given_a_limit_still_has_its_old_jobs_done():
    for _ in range(3):
        job_id = enqueue(tasks.echo, 1)
        Job.objects.filter(pk=job_id).update(task_path=limited.alone.module_path)
    enqueue(limited.alone)
    house = House()
    assert len(house.look()) == 4
    assert Job.objects.running().filter(gate=Gate.LIMIT).count() == 1


def test_a_limited_job_of_a_task_that_is_unknown_here_waits():
    enqueue(limited.alone)
    assert House(known=[tasks.echo, limited.paint]).look() == []


def test_a_worker_for_every_queue_finds_them(settings):
    settings.TASKS = {**settings.TASKS, "default": {**settings.TASKS["default"], "QUEUES": []}}
    enqueue(limited.alone, queue_name="mail")
    assert len(House(queues=[]).look()) == 1


def test_it_looks_again_when_the_rate_allows_it():
    for _ in range(3):
        enqueue(limited.call_slowly)
    house = House()
    assert len(house.look()) == 1
    assert house.look() == []
    assert house.claimer.wait_seconds() <= 0.25
    Limit.objects.update(next_at=timezone.now() + timedelta(seconds=0.1))
    house.look()
    assert 0 < house.claimer.wait_seconds() <= 0.11
    # A burst ends when nothing may begin now, as it does before what is due later.
    assert house.claimer.nothing_due()


@pytest.mark.parametrize("hinted", [True, False])
def test_a_slot_that_another_worker_frees_is_found_soon(hinted):
    enqueue(limited.alone)
    enqueue(limited.alone)
    house = House(hinted=hinted)
    house.look()
    house.look()
    assert house.claimer.wait_seconds() <= 0.25


def test_a_key_that_another_worker_has_locked_is_looked_at_soon(monkeypatch):
    enqueue(limited.alone)
    house = House()
    monkeypatch.setattr(lifecycle, "claim_limited", lambda *_, **__: lifecycle.Taken([], more=True))
    assert house.look() == []
    assert house.claimer.wait_seconds() <= 0.02
    assert not house.claimer.nothing_due()


def test_rows_of_claims_tell_their_key():
    enqueue(limited.paint)
    (held,) = House().look()
    assert held.limit_key == rows.job(held.job_id).limit_key == ":printer"
