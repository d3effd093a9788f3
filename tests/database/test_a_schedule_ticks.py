"""A tick is an entry of the ledger, a job and the step to the next tick, all or none. And what of missed ones."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.tasks import task
from django.utils import timezone

from jobqueue import database, lifecycle, schedules
from jobqueue.errors import InvalidSchedule
from jobqueue.models import Job, LedgerEntry, Schedule
from tests import rows
from tests.app import tasks

pytestmark = pytest.mark.django_db(transaction=True)
SCOPE = "schedule:nightly"


def keys():
    return list(LedgerEntry.objects.filter(scope=SCOPE).order_by("pk").values_list("key", flat=True))


def test_a_tick_makes_the_job_enters_the_ledger_and_steps_on():
    made = rows.schedule("nightly", tasks.echo, "a", late=5, queue="mail", priority=7)
    ticked = schedules.tick(made.pk)
    job = Job.objects.get()
    assert (job.task_path, job.queue, job.priority) == (tasks.echo.module_path, "mail", 7)
    assert job.arguments == {"args": ["a"], "kwargs": {}}
    assert ticked == schedules.Ticked("nightly", [job.pk], None)
    (entry,) = LedgerEntry.objects.all()
    assert (entry.scope, entry.key, entry.job_id) == (SCOPE, made.next_at.astimezone(UTC).isoformat(), job.pk)
    after = Schedule.objects.get()
    assert (after.last_tick_at, after.last_job_id) == (made.next_at, job.pk)
    assert after.next_at == made.next_at + timedelta(hours=1)
    assert abs((after.last_run_at - job.enqueued_at).total_seconds()) < 5


def test_what_is_not_due_or_paused_does_not_tick():
    later, paused = rows.schedule("later"), rows.schedule("paused", late=5)
    schedules.pause("paused")
    assert [schedules.tick(one.pk) for one in (later, paused)] == [None, None]
    assert not Job.objects.exists()


def test_a_tick_that_happened_does_not_happen_again_though_the_row_says_that_it_is_due():
    """The row may be set back: by hand, by a backup of one table, by an error of ours. The ledger remembers."""
    made = rows.schedule(late=5)
    schedules.tick(made.pk)
    for _ in range(3):
        Schedule.objects.update(next_at=made.next_at, last_tick_at=None)
        assert schedules.tick(made.pk).job_ids == []
    assert Job.objects.count() == 1
    assert Schedule.objects.get().next_at == made.next_at + timedelta(hours=1)


def test_nor_when_the_ledger_has_forgotten_it_for_what_is_over_is_over():
    made = rows.schedule(late=5)
    schedules.tick(made.pk)
    LedgerEntry.objects.all().delete()
    Schedule.objects.update(next_at=made.next_at)
    assert schedules.tick(made.pk).job_ids == []
    assert Job.objects.count() == 1


def test_a_schedule_that_was_made_anew_under_its_name_does_not_repeat_a_tick():
    made = rows.schedule(late=5)
    schedules.tick(made.pk)
    made.delete()
    again = rows.schedule()
    Schedule.objects.filter(pk=again.pk).update(next_at=made.next_at, starts_at=made.starts_at)
    schedules.tick(again.pk)
    assert Job.objects.count() == 1


def test_ticks_are_forgotten_after_a_week_and_once_their_job_has_succeeded():
    made = rows.schedule(late=5)
    schedules.tick(made.pk)
    (entry,) = LedgerEntry.objects.all()
    assert entry.expires_at - entry.created_at > timedelta(days=6.9)
    LedgerEntry.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert lifecycle.prune_keys() == 0
    (claim,) = rows.claim()
    lifecycle.succeed(connection, claim.fence, None)
    assert lifecycle.prune_keys() == 1


class TestMissedTicks:
    """Four ticks were missed, and the last of them is 100 seconds ago."""

    def ticked(self, **columns):
        made = rows.schedule(late=3 * 3600 + 100, **columns)
        found = schedules.tick(made.pk)
        hours = [round((datetime.fromisoformat(key) - made.next_at) / timedelta(hours=1)) for key in keys()]
        after = Schedule.objects.get()
        assert after.next_at == made.next_at + timedelta(hours=4)
        assert after.last_tick_at == made.next_at + timedelta(hours=3)
        assert Job.objects.count() == len(hours) == len(found.job_ids)
        return hours, found.passed_over == made.next_at

    def test_last_makes_up_for_all_of_them_once(self):
        assert self.ticked(missed="last") == ([3], True)

    def test_skip_drops_what_is_too_late(self):
        assert self.ticked(missed="skip", grace=60) == ([], True)

    def test_and_runs_the_latest_if_it_is_not(self):
        assert self.ticked(missed="skip", grace=200) == ([3], True)

    def test_all_makes_up_for_each(self):
        assert self.ticked(missed="all") == ([0, 1, 2, 3], False)

    def test_but_for_no_more_than_it_says_and_those_are_the_last(self):
        assert self.ticked(missed="all", most=2) == ([2, 3], True)


def test_years_of_missed_minutes_are_no_work():
    made = rows.schedule(cron="* * * * *", time_zone="Europe/Berlin", missed="all", most=5)
    Schedule.objects.update(next_at=made.next_at - timedelta(days=3650), starts_at=made.next_at - timedelta(days=4000))
    started = timezone.now()
    assert len(schedules.tick(made.pk).job_ids) == 5
    assert (timezone.now() - started).total_seconds() < 5


class TestAClockThatJumps:
    @pytest.fixture
    def set_clock(self, monkeypatch):
        """Give `set_clock(seconds)`: the database's clock goes so much ahead, or back."""

        def shift(seconds):
            shifted = {
                "postgresql": f"(STATEMENT_TIMESTAMP() + INTERVAL '{seconds} seconds')",
                "mysql": f"(UTC_TIMESTAMP(6) + INTERVAL {seconds} SECOND)",
                "sqlite": f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', 'NOW', '{seconds} seconds')",
            }
            sql = shifted[connection.vendor]
            monkeypatch.setitem(database._NOW, connection.vendor, sql)
            monkeypatch.setattr(
                database.DatabaseNow,
                "as_postgresql",
                lambda self, compiler, used, **extra: self.as_sql(compiler, used, template=sql, **extra),
            )

        return shift

    def look(self):
        return [one for due in schedules.due() if (one := schedules.tick(due.pk)) is not None]

    def test_back_repeats_nothing(self, set_clock):
        rows.schedule(late=5)
        assert len(self.look()) == 1
        for seconds in (-5 * 3600, -3600, -30, 0):
            set_clock(seconds)
            assert self.look() == []
        assert Job.objects.count() == 1

    def test_ahead_is_ticks_that_were_missed(self, set_clock):
        rows.schedule("once", late=5, missed="last")
        rows.schedule("each", late=5, missed="all", most=4)
        set_clock(5 * 3600)
        assert {one.name: len(one.job_ids) for one in self.look()} == {"once": 1, "each": 4}

    def test_back_from_far_ahead_it_goes_on_when_it_is_resumed(self, set_clock):
        made = rows.schedule(late=5)
        set_clock(365 * 86400)
        assert len(self.look()) == 1
        set_clock(0)
        schedules.pause("nightly")
        assert schedules.resume("nightly")
        after = Schedule.objects.get()
        assert after.next_at == made.next_at + timedelta(hours=1)
        Schedule.objects.update(
            next_at=after.next_at - timedelta(hours=1), last_tick_at=made.next_at - timedelta(hours=1)
        )
        assert len(self.look()) == 1


def test_one_that_has_come_to_its_end_is_over():
    made = rows.schedule(late=5)
    Schedule.objects.update(ends_at=made.next_at + timedelta(seconds=1))
    assert len(schedules.tick(made.pk).job_ids) == 1
    assert Schedule.objects.get().next_at is None
    assert schedules.outlook() == schedules.Outlook(0, None)


def test_every_so_often_does_not_drift_however_late_the_ticks():
    made = rows.schedule(late=25, every=10)
    schedules.tick(made.pk)
    after = Schedule.objects.get().next_at
    assert (after - made.starts_at) % timedelta(seconds=10) == timedelta(0)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"task_path": "gone.tasks.report"}, "No task 'gone.tasks.report'"),
        ({"arguments": {"args": [1, 2, 3], "kwargs": {}}}, "too many positional arguments"),
        ({"arguments": ["not", "a", "call"]}, "The arguments must be"),
        ({"cron": "61 * * * *", "every": None}, "Bad minute"),
        ({"cron": "* * * * *"}, "not both"),
        ({"time_zone": "../../etc/passwd"}, "is no time zone"),
        ({"queue": "no-such-queue"}, "no-such-queue"),
        ({"every": 0}, "a whole number of seconds"),
        ({"priority": 3000}, "priority"),
    ],
)
def test_what_cannot_be_done_says_why_and_waits(columns, why):
    made = rows.schedule(late=5)
    Schedule.objects.update(**columns)
    with pytest.raises(InvalidSchedule, match=why):
        schedules.tick(made.pk)
    assert Schedule.objects.get().next_at == made.next_at
    assert not Job.objects.exists()
    assert not LedgerEntry.objects.exists()
    assert schedules.find_fault(made.pk, "so")
    assert not schedules.find_fault(made.pk, "so")


@task(unique="active")
def at_most_one(day):
    pass


def test_a_tick_of_a_unique_task_whose_job_has_not_ended_happens_as_that_job():
    made = rows.schedule(late=2 * 3600 + 5, task=at_most_one, missed="all")
    ticked = schedules.tick(made.pk)
    assert len(ticked.job_ids) == 3
    assert set(ticked.job_ids) == {Job.objects.get().pk}
    assert len(keys()) == 3


def test_a_tick_makes_its_fault_forgotten():
    made = rows.schedule(late=5)
    schedules.find_fault(made.pk, "so")
    schedules.tick(made.pk)
    assert Schedule.objects.get().fault == ""


def test_the_outlook_is_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert schedules.outlook() == schedules.Outlook(0, None)
    rows.schedule("due", late=5)
    rows.schedule("later", every=600)
    found = schedules.outlook()
    assert found.due == 1
    assert 590 < found.wait <= 600
