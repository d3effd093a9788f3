"""It looks when the next schedule is due; what cannot tick is told once, and holds up no other."""

import logging

import pytest
from django.db import DatabaseError

from jobqueue import schedule, schedules
from jobqueue.models import Job, Schedule
from jobqueue.planning import declare
from jobqueue.worker.timekeeper import Timekeeper
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def woken():
    return []


@pytest.fixture
def timekeeper(woken):
    return Timekeeper(woken=lambda: woken.append(True))


def test_with_no_schedules_a_look_is_one_statement_and_the_pause_as_long_as_may_be(
    timekeeper, django_assert_num_queries
):
    with django_assert_num_queries(1):
        assert timekeeper.look(at_most=2.0) == 2.0


def test_it_looks_again_when_the_next_one_is_due(timekeeper, woken):
    rows.schedule("soon", every=3600)
    Schedule.objects.update(next_at=Schedule.objects.get().starts_at)
    rows.schedule("later", every=20)
    pause = timekeeper.look(at_most=30.0)
    assert 0.01 < pause <= 20.0
    assert (Job.objects.count(), woken) == (1, [True])


def test_what_becomes_due_while_others_tick_is_not_left_for_long(timekeeper, monkeypatch):
    rows.schedule("now", late=5)
    tick = schedules.tick

    def meanwhile(pk):
        rows.schedule("too", late=1) if not Schedule.objects.filter(name="too").exists() else None
        return tick(pk)

    monkeypatch.setattr(schedules, "tick", meanwhile)
    assert timekeeper.look(at_most=30.0) < 0.1
    assert timekeeper.look(at_most=30.0) == 30.0
    assert Job.objects.count() == 2


def test_what_was_declared_elsewhere_is_passed_over(timekeeper):
    rows.schedule(late=5)
    Schedule.objects.update(declared=True)
    assert timekeeper.look(at_most=2.0) == 2.0
    assert not Job.objects.exists()
    assert Schedule.objects.get().fault == ""


def test_what_is_declared_here_ticks(timekeeper, monkeypatch):
    monkeypatch.setattr(declare, "_declared", {})
    schedule("nightly", tasks.echo, every=3600, args=["x"])
    rows.schedule(late=5)
    schedules.publish_declared()
    timekeeper.look(at_most=2.0)
    assert Job.objects.count() == 1


class TestWhatCannotTick:
    @pytest.fixture(autouse=True)
    def _bad_ones_come_first(self, caplog):
        caplog.set_level(logging.INFO, logger="jobqueue.worker")
        rows.schedule("unknown", late=50)
        rows.schedule("misfit", late=40)
        Schedule.objects.filter(name="unknown").update(task_path="gone.tasks.report")
        Schedule.objects.filter(name="misfit").update(arguments={"args": [], "kwargs": {}})
        rows.schedule("good", late=5)

    def complaints(self, caplog):
        return [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]

    def test_it_is_told_once_with_the_reason_and_the_others_tick(self, timekeeper, caplog):
        for _ in range(3):
            pause = timekeeper.look(at_most=2.0)
        assert pause == 2.0
        assert Job.objects.count() == 1
        unknown, misfit = self.complaints(caplog)
        assert unknown.startswith("Schedule unknown cannot tick: No task 'gone.tasks.report'")
        assert "missing a required argument: 'value'" in misfit
        assert Schedule.objects.get(name="unknown").fault in unknown

    def test_other_workers_do_not_tell_it_again(self, timekeeper, caplog):
        timekeeper.look(at_most=2.0)
        Timekeeper(woken=lambda: None).look(at_most=2.0)
        assert len(self.complaints(caplog)) == 2

    def test_it_is_not_tried_at_each_look(self, timekeeper, django_assert_num_queries):
        timekeeper.look(at_most=2.0)
        with django_assert_num_queries(2):
            timekeeper.look(at_most=2.0)

    def test_once_it_is_mended_it_makes_up_for_what_it_missed(self, timekeeper):
        timekeeper.look(at_most=2.0)
        mended = Schedule.objects.get(name="misfit")
        mended.arguments = {"args": [1], "kwargs": {}}
        mended.save()
        timekeeper.look(at_most=2.0)
        assert Job.objects.count() == 2
        assert Schedule.objects.get(name="misfit").fault == ""

    def test_an_error_of_the_database_holds_up_no_other_either(self, timekeeper, monkeypatch):
        bad, tick = Schedule.objects.get(name="unknown").pk, schedules.tick

        def refuse(pk):
            if pk == bad:
                raise DatabaseError("no")
            return tick(pk)

        monkeypatch.setattr(schedules, "tick", refuse)
        with pytest.raises(DatabaseError, match="no"):
            timekeeper.look(at_most=2.0)
        assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("missed", "amends"), [("skip", "they are not made up for"), ("last", "what runs now makes up for them")]
)
def test_ticks_that_were_missed_are_told(timekeeper, caplog, missed, amends):
    rows.schedule(late=2 * 3600 + 600, missed=missed)
    timekeeper.look(at_most=2.0)
    assert "Schedule nightly missed ticks from" in caplog.text
    assert f" on: {amends}." in caplog.text
