"""The doorkeeper: right after an end it looks who waits, it sweeps up the rest, and costs next to nothing otherwise."""

import pytest
from django.db import connection

from jobqueue import lifecycle
from jobqueue.lifecycle import Failure
from jobqueue.models import Outcome
from jobqueue.worker import doorkeeper as module
from jobqueue.worker.doorkeeper import Doorkeeper
from jobqueue.worker.holdings import Holdings
from jobqueue.worker.keeper import Keeper
from jobqueue.worker.settler import Settler
from tests import rows
from tests.worker.parts import OPTIONS

pytestmark = pytest.mark.usefixtures("transactional_db")
CRASHED_FOR_GOOD = Failure(Outcome.CRASHED, "jobqueue.errors.JobCrashed", "It was killed.", None)


class House:
    """A settler and a keeper with one doorkeeper, and a job that is held."""

    def __init__(self):
        self.woken, self.looks = [], []
        self.doorkeeper = Doorkeeper("default", wake=lambda alias, queues: self.woken.append((alias, *queues)))
        self.holdings = Holdings()
        self.settler = Settler(self.holdings, None, "w-1", doorkeeper=self.doorkeeper)
        look = lambda: self.looks.append(True)  # noqa: E731  (a note)
        self.keeper = Keeper("default", "w-1", None, OPTIONS, woken=look, doorkeeper=self.doorkeeper)
        rows.enqueue()
        (claim,) = rows.claim()
        self.held = self.holdings.add(claim)


def statements_of(act):
    """Return what an act says of dependencies."""
    said = []
    with connection.execute_wrapper(lambda execute, *call: (said.append(call[0]), execute(*call))[1]):
        act()
    return [sql for sql in said if "dependency" in sql]


def test_an_end_that_is_settled_opens_the_gate_behind_it_and_a_worker_is_woken():
    house = House()
    second = rows.enqueue(after=[house.held.claim.job_id], queue_name="mail")
    house.keeper.tick()
    assert rows.job(second).gate == "after"
    house.settler.value(house.held, "1")
    assert house.settler.flush() is True
    assert rows.job(second).gate == ""
    assert house.woken == [("default", "mail")]


def test_a_failure_that_is_written_down_ends_what_waits(caplog):
    house = House()
    second = rows.enqueue(after=[house.held.claim.job_id])
    house.keeper.tick()
    house.settler.crashed(house.held, CRASHED_FOR_GOOD)
    house.settler.flush()
    assert (rows.job(second).status, rows.job(second).outcome) == ("FAILED", "cancelled")
    assert f"Job {second} was not begun" in caplog.text


def test_what_was_missed_is_swept_up_in_lots_and_the_dispatcher_looks(monkeypatch):
    monkeypatch.setattr(module, "_LOT", 2)
    house = House()
    waiting = [rows.enqueue(after=[house.held.claim.job_id]) for _ in range(5)]
    lifecycle.succeed(connection, house.held.fence, None)
    pause = house.keeper.tick()
    assert {rows.job(job_id).gate for job_id in waiting} == {""}
    assert house.looks
    assert house.woken
    assert pause <= 1.2


def test_a_sweep_that_takes_long_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(module, "_LOT", 2)
    monkeypatch.setattr(module, "_WHILE_IT_CHANGES_SECONDS", -1.0)
    house = House()
    waiting = [rows.enqueue(after=[house.held.claim.job_id]) for _ in range(5)]
    lifecycle.succeed(connection, house.held.fence, None)
    for left in (3, 1, 0):
        assert house.doorkeeper.sweep().opened
        assert sum(rows.job(job_id).gate == "after" for job_id in waiting) == left


def test_a_job_that_fails_by_being_rescued_ends_what_waits_for_it():
    rows.worker("gone", stopped=True)
    house = House()
    rows.Job.objects.filter(pk=house.held.claim.job_id).update(worker_id="gone", crashes=2)
    rows.enqueue(queue_name="mail")
    (other,) = rows.claim(queue="mail")
    second = rows.enqueue(after=[house.held.claim.job_id, other.job_id])
    house.doorkeeper.sweep()
    house.keeper.tick()
    assert rows.job(house.held.claim.job_id).status == "FAILED"
    # Though another for which it waits is still running.
    assert rows.job(second).status == "FAILED"


def test_where_nobody_waits_an_end_costs_nothing_and_a_look_one_short_question():
    house = House()
    house.settler.value(house.held, "1")
    assert statements_of(house.settler.flush) == []
    (only,) = statements_of(house.keeper.tick)
    assert "LIMIT 1" in only
