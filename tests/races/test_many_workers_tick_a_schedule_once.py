"""However many workers look at a schedule that is due, each of its ticks makes one job."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain

import pytest
from django.db import connection, connections

from jobqueue import ledger, schedule, schedules
from jobqueue.database import new_id
from jobqueue.models import Job, LedgerEntry, Schedule
from jobqueue.planning import declare
from tests import rows
from tests.app import tasks
from tests.races.actors import Actor

WORKERS = 8


def all_at_once(deed):
    """Have each of the workers do something at the same moment; return what came of it."""
    start = threading.Barrier(WORKERS)

    def work(number):
        try:
            connection.ensure_connection()
            start.wait(20)
            return deed(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WORKERS) as threads:
        return list(threads.map(work, range(WORKERS)))


def made_by(ticked):
    return [job_id for one in ticked if one is not None for job_id in one.job_ids]


def test_all_look_at_once_and_there_is_one_job_a_tick(transactional_db):
    made = rows.schedule(late=2 * 3600 + 5, missed="all")
    ticked = all_at_once(lambda _: schedules.tick(made.pk))
    ids = made_by(ticked)
    assert len(ids) == len(set(ids)) == 3
    assert set(Job.objects.values_list("pk", flat=True)) == set(ids)
    assert set(LedgerEntry.objects.values_list("job_id", flat=True)) == set(ids)


def test_the_same_though_each_of_them_finds_the_row_set_back(transactional_db):
    """As if nothing locked the row, nothing compared it, and nothing remembered what is over but the ledger."""
    made = rows.schedule(late=5)

    def set_back_and_tick(_):
        ids = []
        for _ in range(3):
            Schedule.objects.filter(pk=made.pk).update(next_at=made.next_at, last_tick_at=None)
            ids += made_by([schedules.tick(made.pk)])
        return ids

    ids = list(chain(*all_at_once(set_back_and_tick)))
    assert len(ids) == 1
    assert Job.objects.count() == 1


def test_each_of_many_schedules_ticks_once(transactional_db):
    made = [rows.schedule(f"s{number}", late=5).pk for number in range(10)]

    def in_an_order_of_its_own(number):
        first = number % len(made)
        return made_by([schedules.tick(pk) for pk in made[first:] + made[:first]])

    ids = list(chain(*all_at_once(in_an_order_of_its_own)))
    # What another worker was just about to tick was passed over.
    assert len(ids) == len(set(ids)) == Job.objects.count() == len(made)


def test_workers_that_start_together_declare_a_schedule_once(transactional_db, monkeypatch):
    monkeypatch.setattr(declare, "_declared", {})
    for number in range(3):
        schedule(f"report {number}", tasks.echo, every=timedelta(hours=1), args=[number])
    all_at_once(lambda _: schedules.publish_declared())
    assert Schedule.objects.count() == 3


@pytest.mark.usefixtures("transactional_db")
class TestWhoComesSecond:
    def enter(self, made):
        key = made.next_at.isoformat()
        return ledger.reserve(connection, ledger.schedule_scope(made.name), key, job_id=new_id(), fingerprint="")

    def test_waits_for_a_tick_that_another_is_entering_and_makes_no_job(self, anna: Actor, bert: Actor):
        made = rows.schedule(late=5)
        anna.begin()
        assert anna.do(self.enter, made) is None
        second = bert.start(schedules.tick, made.pk)
        bert.waits(second)

        anna.commit()
        assert second.result(10).job_ids == []
        assert not Job.objects.exists()

    def test_makes_the_job_when_the_first_is_undone(self, anna: Actor, bert: Actor):
        made = rows.schedule(late=5)
        anna.begin()
        assert anna.do(self.enter, made) is None
        second = bert.start(schedules.tick, made.pk)
        bert.waits(second)

        anna.roll_back()
        assert second.result(10).job_ids == [Job.objects.get().pk]

    def test_passes_over_a_row_that_another_ticks(self, anna: Actor, bert: Actor):
        if connection.vendor == "sqlite":
            pytest.skip("whoever may write holds up all who may")
        made = rows.schedule(late=5)
        anna.begin()
        assert len(anna.do(schedules.tick, made.pk).job_ids) == 1
        assert bert.do(schedules.tick, made.pk) is None
        anna.commit()
        assert Job.objects.count() == 1

    def test_an_edit_waits_for_the_tick_and_the_tick_for_the_edit(self, anna: Actor, bert: Actor):
        made = rows.schedule(late=5)
        anna.begin()
        anna.do(schedules.tick, made.pk)
        made.cron, made.every = "0 3 1 1 *", None
        edit = bert.start(made.save)
        bert.waits(edit)
        anna.commit()
        edit.result(10)
        after = Schedule.objects.get()
        assert (after.next_at.month, after.last_job_id) == (made.next_at.month, Job.objects.get().pk)
        assert after.next_at == made.next_at
